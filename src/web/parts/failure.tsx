import { AppError } from '../../errors.ts';
import { Icon } from './icons.tsx';

/** What went wrong, in its own words, and what to do. */
export function Failure({ error, again }: Readonly<{ error: unknown; again?: () => void }>) {
  const { code, message } = AppError.from(error);
  return (
    <div className="failure" role="alert">
      <Icon name="error" />
      <div>
        <p>{message}</p>
        <p className="dim">{HINTS[code] ?? `Code: ${code}`}</p>
        {again && (
          <button type="button" className="button" onClick={again}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

const HINTS: Partial<Record<AppError['code'], string>> = {
  unavailable: 'The API or something behind it is away. `npm run observatory -- doctor` says what.',
  not_found: 'It may have been deleted, or the address may be wrong.',
  invalid_argument: 'The address asks for something that the API does not know.',
};
