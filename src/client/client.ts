import { hc } from 'hono/client';
import type { ClientResponse, InferResponseType } from 'hono/client';
import type { SuccessStatusCode } from 'hono/utils/http-status';
import type { AppType } from '../api/app.ts';
import { AppError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { Problem } from '../schemas/problem.ts';

/** Everything but an upload answers well within this time. */
const REQUEST_MS_MAX = 30_000;
const UPLOAD_MS_MAX = 60 * 60_000;

/** Where the API is, and the key for it; a page that has a session needs none. */
export type Connection = { url: string; key?: string | undefined };

/** The typed client of the API. */
export type Client = ReturnType<typeof createClient>;

/**
 * A client that sends the key and gives up in bounded time, unless the request brings a signal of its own. Throws
 * `unavailable` when nothing answers there.
 */
export function createClient({ url, key }: Connection) {
  return hc<AppType>(url, {
    // Not among the client's `headers`, which a request with headers of its own replaces.
    fetch: async (input: Request | URL | string, init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
      const signal = init?.signal ?? AbortSignal.timeout(init?.method === 'PUT' ? UPLOAD_MS_MAX : REQUEST_MS_MAX);
      try {
        return await fetch(input, { ...init, headers, signal });
      } catch (error) {
        if (init?.signal?.aborted) throw error;
        if (error instanceof Error && error.name === 'TimeoutError')
          throw new AppError('deadline_exceeded', `The API at ${url} did not answer in time.`, { cause: error });
        throw new AppError('unavailable', `The API at ${url} cannot be reached.`, { cause: error });
      }
    },
  });
}

/** What the API answers, as it arrives. */
export type EpisodeAnswer = InferResponseType<Client['v1']['episodes'][':id']['$get'], 200>;
export type StepAnswer = InferResponseType<Client['v1']['episodes'][':id']['steps']['$get'], 200>['items'][number];
export type StepDetailAnswer = InferResponseType<Client['v1']['episodes'][':id']['steps'][':seq']['$get'], 200>;
export type LogsPage = InferResponseType<Client['v1']['episodes'][':id']['logs']['$get'], 200>;
export type LogLineAnswer = LogsPage['items'][number];
export type CatalogueAnswer = InferResponseType<Client['v1']['agents']['$get'], 200>;

type BodyOf<R> = R extends ClientResponse<infer T, infer S, 'json'> ? (S extends SuccessStatusCode ? T : never) : never;

/** The body of a successful answer. Any other answer is thrown as the `AppError` that its problem document describes. */
export async function bodyOf<R extends Pick<Response, 'ok' | 'json' | 'status' | 'headers'>>(
  asked: Promise<R>,
): Promise<BodyOf<R>> {
  const answer = await asked;
  if (!answer.ok) throw await errorOf(answer);
  return (await answer.json()) as BodyOf<R>;
}

/** The error that an answer's problem document describes, as our own. */
export async function errorOf(answer: Pick<Response, 'status' | 'json'>): Promise<AppError> {
  // A proxy in between may answer something else than our problem document.
  const body: unknown = await answer.json().catch(() => undefined);
  const problem = Problem.safeParse(body).data;
  const code = CODES[answer.status] ?? 'internal';
  if (!problem) return new AppError(code, `The API answered ${answer.status}.`);
  const members = (problem.errors ?? []).map((each) => `\n  ${each.in} ${each.pointer}: ${each.message}`);
  const request = problem.instance === undefined || answer.status < 500 ? '' : ` (${problem.instance})`;
  return new AppError(code, `${problem.detail ?? problem.title}${request}${members.join('')}`);
}

const CODES: Record<number, ErrorCode> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'failed_precondition',
  413: 'resource_exhausted',
  416: 'out_of_range',
  429: 'resource_exhausted',
  503: 'unavailable',
  504: 'deadline_exceeded',
};
