/** How often the same work is tried again after an error. */
export type Retry = 'never' | 'a_few_times' | 'patiently';

/**
 * The one table of errors. Codes are gRPC's words; each says which HTTP status it answers, how often doing the same again
 * may help (`patiently`: until infrastructure is back; `a_few_times`), and whether the agent (the language model) sees it
 * or the system must deal with it.
 */
const ERRORS = {
  invalid_argument: { http: 400, retry: 'never', agent: true },
  out_of_range: { http: 416, retry: 'never', agent: true },
  unauthenticated: { http: 401, retry: 'never', agent: false },
  permission_denied: { http: 403, retry: 'never', agent: true },
  not_found: { http: 404, retry: 'never', agent: true },
  already_exists: { http: 409, retry: 'never', agent: true },
  aborted: { http: 409, retry: 'never', agent: false },
  failed_precondition: { http: 409, retry: 'never', agent: true },
  resource_exhausted: { http: 429, retry: 'never', agent: true },
  cancelled: { http: 499, retry: 'never', agent: false },
  data_loss: { http: 500, retry: 'never', agent: false },
  internal: { http: 500, retry: 'a_few_times', agent: false },
  unimplemented: { http: 501, retry: 'never', agent: false },
  unavailable: { http: 503, retry: 'patiently', agent: false },
  deadline_exceeded: { http: 504, retry: 'patiently', agent: false },
  /** A model endpoint's failure: retried a bounded number of times, then the episode fails. */
  model_failed: { http: 502, retry: 'a_few_times', agent: false },
} as const satisfies Record<string, { http: number; retry: Retry; agent: boolean }>;

/** One of the codes of the error table. */
export type ErrorCode = keyof typeof ERRORS;

/** Small JSON facts about an error, safe to show: never secrets, SQL or the caller's input. */
export type ErrorDetails = Record<string, string | number | boolean | null>;

/** Every error that this system raises on purpose. `message` is written for people and says what to do. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
  }

  /** The HTTP status that a problem document for this error carries. */
  get httpStatus(): (typeof ERRORS)[ErrorCode]['http'] {
    return ERRORS[this.code].http;
  }

  /** How often the same work, unchanged, is tried again. */
  get retry(): Retry {
    return ERRORS[this.code].retry;
  }

  /** Whether a tool's failure with this error is a result for the model (*agent-failed*) or the system's own (*system-failed*). */
  get agentVisible(): boolean {
    return ERRORS[this.code].agent;
  }

  /** Any thrown value as an `AppError`: network, Postgres (SQLSTATE), S3 and abort errors get their code, the rest is `internal`. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    return new AppError(codeOf(error), error.message || error.name, { cause: thrown });
  }
}

/** Node and libuv: the other side is not there, or went away. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_SOCKET',
]);

/** What pg says of a server that went away, or of a connection that was lost before. */
const LOST_CONNECTION =
  /Connection terminated|connection timeout|timeout exceeded when trying to connect|is not queryable/i;

function codeOf(error: Error): ErrorCode {
  if (error.name === 'AbortError') return 'cancelled';
  if (error.name === 'TimeoutError') return 'deadline_exceeded';
  const { code, $metadata, errors } = error as Error & {
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
    errors?: unknown;
  };
  // A failed dual-stack connect is an AggregateError: its first cause says what happened.
  if (Array.isArray(errors) && errors[0] instanceof Error && errors[0] !== error) return codeOf(errors[0]);
  if (typeof code === 'string') {
    if (NETWORK_CODES.has(code)) return 'unavailable';
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return 'unavailable';
    if (/^[0-9A-Z]{5}$/.test(code)) return codeOfSqlState(code);
  }
  const status = $metadata?.httpStatusCode;
  if (status === 404) return 'not_found';
  if (status === 429 || (status !== undefined && status >= 500)) return 'unavailable';
  // pg raises these as plain errors, without a code, when the server goes away under a client.
  if (LOST_CONNECTION.test(error.message)) return 'unavailable';
  return 'internal';
}

function codeOfSqlState(state: string): ErrorCode {
  if (state === '57014') return 'deadline_exceeded'; // statement_timeout
  if (/^(08|53|57P|40)/.test(state)) return 'unavailable';
  if (state === '23505') return 'already_exists';
  if (state === '23503') return 'failed_precondition';
  if (state.startsWith('22')) return 'invalid_argument';
  return 'internal';
}
