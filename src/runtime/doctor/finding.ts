import { AppError } from '../../errors.ts';

/** What a check found. `detail` says how it is, `mend` what to do about it; both are sentences for operators, without secrets. */
export type Finding = { name: string; state: 'ok' | 'warn' | 'fail'; detail: string; mend: string | null };

/** A check: it returns what it found, one finding or several. What it throws is a failure that `mend` is the answer to. */
export type Check = {
  name: string;
  mend: string;
  timeout_ms?: number;
  look: (signal: AbortSignal) => Promise<Finding[]>;
};

/** A check that has not ended by then, or by its own time, has failed. */
const CHECK_TIMEOUT_MS = 10_000;

/** A finding, to be written in one line. Without `mend` nothing need be done. */
export function found(name: string, state: Finding['state'], said: { detail: string; mend?: string }): Finding {
  return { name, state, detail: said.detail, mend: state === 'ok' ? null : (said.mend ?? null) };
}

/** What the check found within bounded time; never throws. */
export async function perform({ name, mend, look, timeout_ms = CHECK_TIMEOUT_MS }: Check): Promise<Finding[]> {
  const controller = new AbortController();
  const late = new AppError('deadline_exceeded', `no answer within ${timeout_ms / 1_000} s`);
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    controller.abort(late);
    reject(late);
  }, timeout_ms);
  try {
    return await Promise.race([look(controller.signal), expired]);
  } catch (error) {
    return [found(name, 'fail', { detail: reasonOf(error), mend })];
  } finally {
    clearTimeout(timer);
  }
}

/** The error's own words and, where that has none to say, those of what caused it. */
function reasonOf(error: unknown): string {
  const { message, cause } = AppError.from(error);
  // A name that resolves to several addresses fails with an error for each.
  const { errors } = (cause ?? {}) as { errors?: unknown };
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return first instanceof Error ? first.message : message;
}
