import { setTimeout as wait } from 'node:timers/promises';
import type { InferResponseType } from 'hono/client';
import { bodyOf } from '../client/client.ts';
import type { Client } from '../client/client.ts';

/** An audit of one episode, as the API answers it. */
export type Coverage = InferResponseType<Client['v1']['episodes'][':id']['coverage']['$get'], 200>;

/** Coverage is complete within a minute of an episode's end, unless something keeps it. */
const COMPLETE_MS_MAX = 60_000;
const ASK_MS = 500;

/**
 * The newest audit of an ended episode, as soon as it is complete; after a minute whatever there is, undefined for none.
 * `after`: only an audit that is newer than this one counts.
 */
export async function awaitCoverage(client: Client, id: string, after?: string): Promise<Coverage | undefined> {
  const late = AbortSignal.timeout(COMPLETE_MS_MAX);
  for (;;) {
    const newest = await findCoverage(client, id);
    const report = newest && newest.checked_at !== after ? newest : undefined;
    if (report?.verdict === 'complete' || late.aborted) return report;
    await wait(ASK_MS);
  }
}

/** The newest audit, or undefined where there was none yet (409). */
export async function findCoverage(client: Client, id: string): Promise<Coverage | undefined> {
  const answer = await client.v1.episodes[':id'].coverage.$get({ param: { id } });
  return answer.status === 409 ? undefined : bodyOf(Promise.resolve(answer));
}
