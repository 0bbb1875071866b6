import { OpenAIClient } from '@langchain/openai';
import { AppError } from '../../errors.ts';
import type { ErrorCode, ErrorDetails } from '../../errors.ts';

/** What an endpoint says of an error is kept up to here. */
const REASON_CHARS_MAX = 500;
/** An endpoint that wants to be left alone for longer is asked again after this. */
const RETRY_AFTER_S_MAX = 3_600;

/** 4xx answers that another try may mend: request timeout, conflict, too early. */
const TRANSIENT_STATUSES = new Set([408, 409, 425]);
const STATUS_CODES: Partial<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  429: 'unavailable',
};
/** OpenAI answers 429 also when the account is empty, which no waiting mends. */
const EMPTY_ACCOUNT = 'insufficient_quota';

/**
 * What an endpoint's failure means. The reason is the endpoint's, bounded, without `secrets` or what looks like a key;
 * there is no `cause`, for Temporal would store that one's message as it is. `usage_unknown` where it had begun to answer.
 */
export function fromEndpointError(thrown: unknown, secrets: readonly string[], now: number): AppError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const answer = error instanceof OpenAIClient.APIError ? (error as Answer) : undefined;
  const reason = withoutSecrets(answer ? reasonOf(answer) : error.message, secrets).slice(0, REASON_CHARS_MAX);
  if (error instanceof OpenAIClient.APIConnectionError)
    return new AppError('unavailable', `the model endpoint cannot be reached: ${reason}`);
  if (answer?.status === undefined)
    return new AppError('model_failed', `the model's answer broke off: ${reason}`, {
      details: { usage_unknown: true },
    });
  const { status, headers, code } = answer;
  const retryAfter = headers instanceof Headers ? headers.get('retry-after') : null;
  const retry_after_s = parseRetryAfter(retryAfter, now);
  const details: ErrorDetails = { status, ...(retry_after_s !== undefined && { retry_after_s }) };
  return new AppError(
    code === EMPTY_ACCOUNT ? 'resource_exhausted' : codeOf(status),
    `the model endpoint answered ${status}: ${reason}`,
    { details },
  );
}

/** The SDK's error for an answer; without a status it is an error event inside of a stream. */
type Answer = Error & { status: number | undefined; headers: unknown; error: unknown; code: unknown };

function codeOf(status: number): ErrorCode {
  if (status >= 500 || status < 400 || TRANSIENT_STATUSES.has(status)) return 'model_failed';
  return STATUS_CODES[status] ?? 'invalid_argument';
}

/** The seconds that a Retry-After header asks for, as a number or as an HTTP date; undefined when it asks for none. */
function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return seconds > 0 ? Math.min(Math.ceil(seconds), RETRY_AFTER_S_MAX) : undefined;
}

/** The endpoint's own words where it sent any, without the status that the SDK puts before them. */
function reasonOf(answer: Answer): string {
  const { message } = (answer.error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : answer.message.replace(/^\d{3} /, '');
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, '[redacted]');
  // Endpoints repeat a wrong key with stars in its middle.
  return shown.replaceAll(/\b(sk-|Bearer )[\w*.-]+/g, '[redacted]');
}
