import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { NO_BUDGET } from './api-budget.ts';
import type { ApiBudget } from './api-budget.ts';
import type { SendOutcome } from './delivery-state.ts';
import { limitOf, outcomeOfError, outcomeOfStatus, refusalMs } from './langfuse-http.ts';

/** Where a server is and who asks it. `wait` is how the budget's waits pass. */
export type LangfuseAccess = {
  base_url: string;
  public_key: string;
  secret_key: string;
  request_ms: number;
  budget?: ApiBudget;
  wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
};

/** A read waits so long for its turn, and is given up where it would be longer. */
const TURN_MS_MAX = 30_000;
const DAY_MS = 86_400_000;

export type Connection = ReturnType<typeof connect>;

/** Single requests in bounded time, without retries. */
export function connect(access: LangfuseAccess) {
  const {
    public_key,
    secret_key,
    budget = NO_BUDGET,
    wait = (ms, signal) => pause(ms, undefined, { signal }),
  } = access;
  const base = access.base_url.replace(/\/+$/, '');
  const authorization = `Basic ${Buffer.from(`${public_key}:${secret_key}`).toString('base64')}`;
  const within = createLimit(access.request_ms);

  const ask = async (method: 'GET' | 'DELETE', path: string, { body, signal }: Asking): Promise<unknown> => {
    const headers = { authorization, accept: 'application/json', 'content-type': 'application/json' };
    const { response, text } = await within(signal, async (ending) => {
      const answer = await fetch(`${base}${path}`, {
        method,
        headers,
        redirect: 'manual',
        signal: ending,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { response: answer, text: await answer.text() };
    }).catch(away);
    if (response.ok) return parsed(text);
    const where = path.split('?')[0];
    if (response.status === 404) throw new AppError('not_found', `Langfuse has no ${where}`);
    if (response.status === 429) throw await refusedFor(response, `${where}`, method === 'GET' ? budget : null);
    const { kind } = outcomeOfStatus(response.status, text);
    const reason = `Langfuse does not answer ${where}: HTTP ${response.status}`;
    throw new AppError(kind === 'unwelcome' ? 'permission_denied' : 'unavailable', reason);
  };

  return {
    base,
    budget,
    within,
    /** Asks what is not counted: how the server is, and which project the keys are of. */
    getFree: (path: string, signal?: AbortSignal) => ask('GET', path, { signal }),
    /** Asks when the budget allows. Throws `unavailable` with `retry_after_ms` where that is not soon. */
    get: async (path: string, signal?: AbortSignal): Promise<unknown> => {
      const { taken, wait_ms } = await budget.take(TURN_MS_MAX);
      if (!taken) throw later('Langfuse allows no more requests for now', wait_ms);
      if (wait_ms > 0) await wait(wait_ms, signal);
      return ask('GET', path, { signal });
    },
    remove: async (path: string, body: unknown, signal?: AbortSignal) =>
      void (await ask('DELETE', path, { body, signal })),
    post: async (path: string, body: Uint8Array<ArrayBuffer> | string, signal?: AbortSignal): Promise<SendOutcome> => {
      // Without the version the server shows what it took only minutes later.
      const headers = { authorization, 'content-type': 'application/json', 'x-langfuse-ingestion-version': '4' };
      try {
        const request = { method: 'POST', headers, body, redirect: 'manual' } as const;
        return await within(signal, async (ending) =>
          outcomeOf(await fetch(`${base}${path}`, { ...request, signal: ending })),
        );
      } catch (thrown) {
        return outcomeOfError(thrown);
      }
    },
  };
}

type Asking = { body?: unknown; signal: AbortSignal | undefined };

/** Runs work with a signal that fires after so long. */
function createLimit(request_ms: number) {
  // Not AbortSignal.timeout: until it fires, long after its request has ended, it holds on to all that was sent.
  return async <T>(signal: AbortSignal | undefined, work: (within: AbortSignal) => Promise<T>): Promise<T> => {
    const ending = new AbortController();
    const late = setTimeout(() => ending.abort(new DOMException('no answer in time', 'TimeoutError')), request_ms);
    const stop = () => ending.abort(signal?.reason);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    try {
      return await work(ending.signal);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', stop);
    }
  };
}

/** What a response to something sent means, its body read. */
export async function outcomeOf(response: Response): Promise<SendOutcome> {
  // A body that breaks off changes nothing about the status that came before it. The ingestion client has read it already.
  const reason = response.bodyUsed ? '' : await response.text().catch(() => '');
  return outcomeOfStatus(response.status, reason, {
    retry_after_ms: refusalMs(response.headers, Date.now()),
    per_minute: limitOf(response.headers),
  });
}

/** A limit of the general API is learned by its budget; another, which counts days, is only waited for. */
async function refusedFor(response: Response, where: string, budget: ApiBudget | null): Promise<AppError> {
  const longest = budget ? undefined : DAY_MS;
  const retry_after_ms = refusalMs(response.headers, Date.now(), longest);
  await budget?.learn({ retry_after_ms, per_minute: limitOf(response.headers) });
  return later(`Langfuse asks to wait before it answers ${where} again`, retry_after_ms);
}

const later = (message: string, retry_after_ms: number) =>
  new AppError('unavailable', message, { details: { retry_after_ms } });

function away(cause: unknown): never {
  throw new AppError('unavailable', 'Langfuse does not answer', { cause });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('unavailable', 'Langfuse answers with something that is no JSON', { cause });
  }
}
