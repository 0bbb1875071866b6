import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { AppError } from '../errors.ts';
import { Failure } from './parts/failure.tsx';
import { Icon } from './parts/icons.tsx';
import { SCHEMES, useScheme } from './parts/scheme.ts';
import { SignInForm } from './sign-in.tsx';
import { useSource } from './source/context.tsx';
import type { Caller } from './source/source.ts';

/** What stands around every route: where one is, who one is; in its place the form to sign in, where nobody is. */
export function Shell() {
  const source = useSource();
  const path = useLocation({ select: ({ pathname }) => pathname });
  const {
    data: caller,
    error,
    refetch,
  } = useQuery({
    queryKey: ['caller'],
    queryFn: () => source.caller(),
    enabled: path !== '/sign-in',
  });
  if (path === '/sign-in') return <Outlet />;
  if (error instanceof AppError && error.code === 'unauthenticated') return <SignInForm />;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Bar caller={caller} />
      <main id="main" tabIndex={-1}>
        {error ? <Failure error={error} again={() => void refetch()} /> : caller && <Outlet />}
      </main>
    </div>
  );
}

function Bar({ caller }: Readonly<{ caller: Caller | undefined }>) {
  const source = useSource();
  return (
    <header className="bar">
      <Link to="/episodes" search={{}} className="brand">
        <Icon name="simulation" />
        <span>Observatory</span>
      </Link>
      {source.kind === 'api' ? (
        <nav aria-label="Places">
          <Link to="/episodes" search={{}} activeProps={{ className: 'here' }}>
            Episodes
          </Link>
          <Link to="/compare" search={{}} activeProps={{ className: 'here' }}>
            Compare
          </Link>
        </nav>
      ) : (
        <span className="chip">a bundle, opened without a server</span>
      )}
      <span className="grow" />
      <SchemeButton />
      {caller && source.actions && <Who caller={caller} />}
    </header>
  );
}

function SchemeButton() {
  const [scheme, choose] = useScheme();
  const next = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length] ?? 'auto';
  return (
    <button
      type="button"
      className="icon-button"
      title={`Colours: ${scheme}. Change to ${next}`}
      aria-label={`Colours: ${scheme}. Change to ${next}`}
      onClick={() => choose(next)}
    >
      <Icon name={scheme} />
    </button>
  );
}

function Who({ caller }: Readonly<{ caller: Caller }>) {
  const { actions } = useSource();
  const queries = useQueryClient();
  return (
    <details className="menu who">
      <summary title={`Signed in as ${caller.name}`}>
        <Icon name="human" />
        <span className="who-name">{caller.name}</span>
      </summary>
      <div className="menu-body">
        <p>
          <strong>{caller.name}</strong>
          <br />
          <span className="dim">{caller.role === 'operator' ? 'may act' : 'may only read'}</span>
        </p>
        <button type="button" onClick={() => void actions?.signOut().then(() => queries.resetQueries())}>
          Sign out
        </button>
      </div>
    </details>
  );
}

/** An address that leads nowhere. */
export function NothingHere() {
  return (
    <div className="empty">
      <h1>There is nothing at this address</h1>
      <Link to="/episodes" search={{}}>
        To the episodes
      </Link>
    </div>
  );
}
