import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { SubmitEvent } from 'react';
import { Failure } from './parts/failure.tsx';
import { fieldOf } from './parts/form.ts';
import { Icon } from './parts/icons.tsx';
import { signIn } from './source/sign-in.ts';

/** The token in the address, taken out of it at once: an address is kept in histories. It is good for one use. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(null, '', location.pathname);
  return token;
}

/** Where the link of `npm start` leads: it signs in by itself, and says why where it cannot. */
export function SignInByLink() {
  const [token] = useState(takeToken);
  const [error, setError] = useState<unknown>();
  const navigate = useNavigate();
  const queries = useQueryClient();
  useEffect(() => {
    const enter = async () => {
      if (token !== null) await signIn(token, '');
      await queries.resetQueries();
      await navigate({ to: '/episodes', search: {}, replace: true });
    };
    enter().catch(setError);
  }, [token, navigate, queries]);
  if (error === undefined) return <p className="waiting-line">Signing in…</p>;
  return (
    <SignInForm>
      <Failure error={error} />
      <p className="dim">
        A new link is printed by <code>npm run observatory -- open</code>.
      </p>
    </SignInForm>
  );
}

/** The form for a key, shown in place of what was asked for: that is shown once one is signed in. */
export function SignInForm({ children }: Readonly<{ children?: React.ReactNode }>) {
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>();
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    signIn(fieldOf(given, 'key'), fieldOf(given, 'person'))
      .then(() => queries.resetQueries())
      .catch(setError);
  };
  return (
    <main className="sign-in">
      <form onSubmit={submit} className="card">
        <h1>
          <Icon name="simulation" /> Observatory
        </h1>
        <p>Sign in to see what the agents did.</p>
        {children}
        {error !== undefined && <Failure error={error} />}
        <label>
          API key
          <input name="key" type="password" autoComplete="current-password" required spellCheck={false} />
        </label>
        <label>
          Your name <span className="dim">(optional: what you do is recorded under it)</span>
          <input name="person" autoComplete="name" maxLength={100} />
        </label>
        <button type="submit" className="button primary">
          Sign in
        </button>
        <p className="dim">
          On the machine where it runs, <code>npm run observatory -- open</code> prints a link that signs in by one
          click.
        </p>
      </form>
    </main>
  );
}
