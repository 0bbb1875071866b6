import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { AppError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { MemberError, Problem } from '../schemas/problem.ts';

/**
 * A refusal that names the members at fault: `invalid_argument` where they do not match their schema, `failed_precondition`
 * where they ask for what this deployment does not have, or contradict each other.
 */
export class RefusedRequest extends AppError {
  readonly errors: MemberError[];

  constructor(code: 'invalid_argument' | 'failed_precondition', message: string, errors: MemberError[]) {
    super(code, message);
    this.errors = errors;
  }
}

/** What HTTP alone can be asked wrongly, beside the codes of the error table. */
type ProblemCode = ErrorCode | keyof typeof HTTP_PROBLEMS;

const HTTP_PROBLEMS = {
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
} as const;

const TITLES: Record<ProblemCode, string> = {
  invalid_argument: 'The request is not valid',
  out_of_range: 'The range lies outside the content',
  unauthenticated: 'A valid API key is needed',
  permission_denied: 'This key may not do that',
  not_found: 'There is no such thing',
  already_exists: 'It exists already, and differs',
  aborted: 'Something else was faster',
  failed_precondition: 'Not in the present state',
  resource_exhausted: 'A limit is reached',
  cancelled: 'The client went away',
  data_loss: 'Stored content is damaged',
  internal: 'A mistake of ours',
  unimplemented: 'Not implemented',
  unavailable: 'Not available at the moment',
  deadline_exceeded: 'It took too long',
  model_failed: 'The model failed',
  method_not_allowed: 'This method is not for this address',
  payload_too_large: 'The body is too large',
  unsupported_media_type: 'This media type is not taken here',
  unprocessable: 'Some of it is not valid',
};

/** Seconds after which a client may try again what was unavailable. */
const RETRY_AFTER_S = 5;

/** What a problem document adds to its code. `headers` go into the answer's head, `more` are members of its own. */
type ProblemOptions = {
  detail?: string;
  errors?: MemberError[];
  headers?: Record<string, string>;
  more?: Record<string, unknown>;
};

/** The answer for a problem: an RFC 9457 document that names the request by its id. */
export function problemResponse(c: Context, code: ProblemCode, options: ProblemOptions = {}): Response {
  const { detail, errors, headers, more } = options;
  const status =
    code in HTTP_PROBLEMS ? HTTP_PROBLEMS[code as keyof typeof HTTP_PROBLEMS] : statusOf(code as ErrorCode);
  const instance = c.res.headers.get('x-request-id');
  const problem: Problem & Record<string, unknown> = {
    type: `urn:observatory:problem:${code}`,
    title: TITLES[code],
    status,
    ...(detail && { detail }),
    ...(instance && { instance: `urn:observatory:request:${instance}` }),
    ...(errors && { errors }),
    ...more,
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(instance && { 'x-request-id': instance }),
      ...(status === 401 && { 'www-authenticate': 'Bearer realm="observatory"' }),
      ...((status === 503 || status === 504) && { 'retry-after': String(RETRY_AFTER_S) }),
      ...headers,
    },
  });
}

/** The answer for anything thrown. Only what we worded for callers is shown: never a driver's or server's own message. */
export function problemOf(c: Context, thrown: unknown): Response {
  if (thrown instanceof HTTPException) {
    const code = codeOfHttp(thrown.status);
    return problemResponse(c, code, code === 'unsupported_media_type' ? { detail: JSON_WANTED } : {});
  }
  const error = AppError.from(thrown);
  const worded = error === thrown && (error.httpStatus < 500 || OUTAGES.has(error.code));
  return problemResponse(c, error.code, {
    ...(worded && { detail: error.message }),
    ...(error instanceof RefusedRequest && { errors: error.errors }),
  });
}

/** Everything that takes a body takes JSON; only artifacts are bytes, of any type. */
export const JSON_WANTED = 'Send the body as JSON, with `Content-Type: application/json`.';
/** What is away, and what the store lost: our own words say which, and name no address. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set(['unavailable', 'deadline_exceeded', 'data_loss']);

const statusOf = (code: ErrorCode): number => new AppError(code, '').httpStatus;

function codeOfHttp(status: number): ProblemCode {
  if (status === 400) return 'invalid_argument';
  if (status === 404) return 'not_found';
  if (status === 413) return 'payload_too_large';
  if (status === 415) return 'unsupported_media_type';
  return 'internal';
}
