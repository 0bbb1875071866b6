import { setTimeout as wait } from 'node:timers/promises';
import type { InferResponseType } from 'hono/client';
import { bodyOf } from '../client/client.ts';
import type { Client } from '../client/client.ts';

/** An audit of one episode, as the API answers it. */
export type Coverage = InferResponseType<Client['v1']['episodes'][':id']['coverage']['$get'], 200>;

/** Coverage is complete within a minute of an episode's end, unless something keeps it: a busy machine takes longer. */
const COMPLETE_MS_MAX = 60_000;
/** So long it is waited for while more and more of the spans are seen. */
const PROGRESS_MS_MAX = 300_000;
const TELL_MS = 10_000;
const ASK_MS = 500;

/**
 * The newest audit of an ended episode, as soon as it is complete; whatever there is when for a minute nothing more of it was
 * seen, undefined for none. `after`: only an audit that is newer than this one counts. `tell` is called now and then with what is missing.
 */
export async function awaitCoverage(
  client: Client,
  id: string,
  { after, tell = () => {} }: { after?: string | undefined; tell?: (line: string) => void } = {},
): Promise<Coverage | undefined> {
  const began = performance.now();
  let seen = { confirmed: -1, at: began };
  let told = began;
  for (;;) {
    const newest = await findCoverage(client, id);
    const report = newest && newest.checked_at !== after ? newest : undefined;
    const now = performance.now();
    const confirmed = report?.counts.confirmed ?? 0;
    if (confirmed > seen.confirmed) seen = { confirmed, at: now };
    const late = now - seen.at > COMPLETE_MS_MAX || now - began > PROGRESS_MS_MAX;
    if (report?.verdict === 'complete' || late) return report;
    if (now - told > TELL_MS) {
      told = now;
      tell(waitingFor(report));
    }
    await wait(ASK_MS);
  }
}

/** What an audit lacks, in a line. */
function waitingFor(report: Coverage | undefined): string {
  if (!report)
    return 'Waiting for the first audit of the episode: history, steps, traces and files are held against each other';
  const { confirmed, expected, missing } = report.counts;
  return `Waiting for the traces: ${confirmed} of ${expected} spans are confirmed, ${missing} missing (the audit comes again by itself)`;
}

/** The newest audit, or undefined where there was none yet (409). */
export async function findCoverage(client: Client, id: string): Promise<Coverage | undefined> {
  const answer = await client.v1.episodes[':id'].coverage.$get({ param: { id } });
  return answer.status === 409 ? undefined : bodyOf(Promise.resolve(answer));
}
