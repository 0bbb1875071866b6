import { useEffect, useRef, useState } from 'react';
import type { SubmitEvent, ReactNode } from 'react';
import { Failure } from './failure.tsx';
import { Icon } from './icons.tsx';

type Props = Readonly<{
  title: string;
  children: ReactNode;
  /** What the button that does it says. */
  verb: string;
  /** Whether it is something that is not easily taken back. */
  danger?: boolean;
  onSubmit: (given: FormData) => Promise<void>;
  onClose: () => void;
}>;

/** A question in a window of its own: it stays open and says what went wrong until what it asks for is done. */
export function Dialog({ title, children, verb, danger = false, onSubmit, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    onSubmit(new FormData(event.currentTarget))
      .then(onClose)
      .catch(setError)
      .finally(() => setBusy(false));
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-label={title}>
      <form onSubmit={submit}>
        <header>
          <h2>{title}</h2>
          <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div className="dialog-body">
          {children}
          {error !== undefined && <Failure error={error} />}
        </div>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Not now
          </button>
          <button type="submit" className={`button ${danger ? 'danger' : 'primary'}`} disabled={busy}>
            {busy ? 'One moment…' : verb}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
