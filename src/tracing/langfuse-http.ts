import { retryAfterMs } from '../schemas/retry-after.ts';
import type { SendOutcome } from './delivery-state.ts';

/** Errors of the connection's making: the request never left. Everything else after a send is in doubt. */
const NEVER_LEFT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** How much of a server's words is kept. In UTF-16 units. */
const DETAIL_CHARS_MAX = 300;
/** Granted to a server that asks to wait without saying how long, and the longest wait that is granted. */
const RETRY_AFTER_MS_DEFAULT = 5_000;
const RETRY_AFTER_MS_MAX = 5 * 60_000;

/** What the headers of a response say. */
type Limits = { retry_after_ms: number; per_minute: number | null };

/** What a response to something sent means. Its body is the reason, where it is not a success. */
export function outcomeOfStatus(
  status: number,
  reason: string,
  limits: Limits = { retry_after_ms: RETRY_AFTER_MS_DEFAULT, per_minute: null },
): SendOutcome {
  const error = `HTTP ${status}${reason ? `: ${reason.slice(0, DETAIL_CHARS_MAX)}` : ''}`;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  if (status === 429) return { kind: 'later', error, ...limits };
  if (status === 400 || status === 413 || status === 422) return { kind: 'refused', error };
  // The other side's time-out, or a gateway's: what was sent may have arrived behind it.
  if (status === 408 || status === 504) return { kind: 'ambiguous', error };
  if (status >= 500) return { kind: 'unwell', error };
  return { kind: 'unwelcome', error, because: status === 404 || status === 405 ? 'address' : 'keys' };
}

/** What it means that sending threw: only a connection that was never made says that nothing left. */
export function outcomeOfError(thrown: unknown): SendOutcome {
  const codes = codesOf(thrown);
  const error = codes[0] ?? (thrown instanceof Error ? thrown.message : String(thrown));
  const neverLeft = codes.length > 0 && codes.every((code) => NEVER_LEFT.has(code));
  return neverLeft ? { kind: 'not_sent', error } : { kind: 'ambiguous', error: error.slice(0, DETAIL_CHARS_MAX) };
}

/** The codes of an error's causes; several where several addresses of one name were tried. */
function codesOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return [];
  const { code, errors } = thrown as Error & { code?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.flatMap(codesOf);
  if (typeof code === 'string') return [code];
  return codesOf(thrown.cause);
}

/** How long a server that refused is left alone, in milliseconds: as its headers ask, at most `longest_ms`. */
export const refusalMs = (headers: Headers, now_ms: number, longest_ms = RETRY_AFTER_MS_MAX): number =>
  Math.min(retryAfterMs(headers, now_ms) ?? RETRY_AFTER_MS_DEFAULT, longest_ms);

/** How many requests in a minute a server says that it allows; null where it does not say. */
export function limitOf(headers: Headers): number | null {
  const limit = Number(headers.get('x-ratelimit-limit') ?? NaN);
  return Number.isInteger(limit) && limit > 0 ? limit : null;
}
