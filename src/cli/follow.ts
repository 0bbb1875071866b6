import { AppError } from '../errors.ts';
import { followStream } from '../client/stream.ts';
import { bodyOf } from '../client/client.ts';
import type { Client, EpisodeAnswer, StepAnswer } from '../client/client.ts';

/** How often what goes on is asked for. */
export const POLL_MS = 500;
/** An API that restarts is waited for; one that stays away is not. */
export const OUTAGE_MS_MAX = 60_000;
/** As many as a page may hold. */
export const PAGE_LIMIT = '100';
/** No episode has more steps than its budget's bound, 10,000; runs that were taken over are not listed. */
const PAGES_MAX = 1_000;

/** Called with an episode's progress: with every step once, when it has ended. */
export type Follower = { onStep: (step: StepAnswer) => void; signal: AbortSignal };

/**
 * Follows an episode until it ends and returns it as it then is. An API that is away is waited for, a minute at most.
 * Throws the signal's reason when that is aborted.
 */
export async function followEpisode(client: Client, id: string, { onStep, signal }: Follower): Promise<EpisodeAnswer> {
  for await (const frame of followStream(client, id, { signal })) if (frame.type === 'step_ended') onStep(frame.step);
  return bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
}

/** Every step of the episode's current line, or those of one kind, in order. */
export async function listAllSteps(
  client: Client,
  id: string,
  filter: { kind?: StepAnswer['kind'] } = {},
): Promise<StepAnswer[]> {
  const steps: StepAnswer[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next_cursor } = await listStepPage(client, id, { ...filter, ...(cursor && { cursor }) });
    steps.push(...items);
    if (next_cursor === null) return steps;
    cursor = next_cursor;
  }
  throw new AppError('resource_exhausted', `The episode has more than ${PAGES_MAX} pages of steps.`);
}

/** The episode's steps that wait for a person: questions, approvals, and a pause. */
export async function listWaiting(client: Client, id: string): Promise<StepAnswer[]> {
  const steps = await listAllSteps(client, id, { kind: 'human' });
  return steps.filter(({ status }) => status === 'running');
}

async function listStepPage(client: Client, id: string, filter: { kind?: StepAnswer['kind']; cursor?: string }) {
  const query = { limit: PAGE_LIMIT, ...filter };
  return bodyOf(client.v1.episodes[':id'].steps.$get({ param: { id }, query }));
}
