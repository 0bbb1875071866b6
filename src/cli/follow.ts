import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { EpisodeStatus } from '../schemas/episode.ts';
import { bodyOf } from './client.ts';
import type { Client, EpisodeAnswer, StepAnswer } from './client.ts';

/** How often what goes on is asked for. */
export const POLL_MS = 500;
/** An API that restarts is waited for; one that stays away is not. */
export const OUTAGE_MS_MAX = 60_000;
/** As many as a page may hold. */
export const PAGE_LIMIT = '100';
/** No episode has more steps than its budget's bound, 10,000; runs that were taken over are not listed. */
const PAGES_MAX = 1_000;

const FINAL = new Set<EpisodeStatus>(['completed', 'failed', 'cancelled', 'stopped']);

/** Whether an episode has ended. */
export const hasEnded = ({ status }: { status: EpisodeStatus }): boolean => FINAL.has(status);

/** Who hears of an episode's progress: of every step once, when it has ended. */
export type Follower = { onStep: (step: StepAnswer) => void; signal: AbortSignal };

/**
 * Follows an episode until it ends and returns it as it then is. An API that is away is waited for, a minute at most.
 * Throws the signal's reason when that is aborted.
 */
export async function followEpisode(client: Client, id: string, { onStep, signal }: Follower): Promise<EpisodeAnswer> {
  const told = new Set<number>();
  let cursor: string | undefined;
  let reached = Date.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      // Before its steps: all steps of an episode that has ended are on record.
      const episode = await bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
      cursor = await tellSteps({ client, id, cursor, told, onStep });
      if (hasEnded(episode)) return episode;
      reached = Date.now();
    } catch (error) {
      if (AppError.from(error).retry !== 'patiently' || Date.now() - reached > OUTAGE_MS_MAX) throw error;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Tells of steps that have ended since; returns the cursor to go on from. */
async function tellSteps(options: {
  client: Client;
  id: string;
  cursor: string | undefined;
  told: Set<number>;
  onStep: (step: StepAnswer) => void;
}): Promise<string | undefined> {
  const { client, id, told, onStep } = options;
  const { steps, resume } = await readSteps(client, id, { cursor: options.cursor, isOpen: isRunning });
  for (const step of steps) {
    if (isRunning(step) || told.has(step.seq)) continue;
    told.add(step.seq);
    onStep(step);
  }
  return resume;
}

const isRunning = ({ status }: StepAnswer): boolean => status === 'running';

/** The steps from `cursor` on, and the cursor of the first page that still has an open one, or of the last page. */
export async function readSteps(
  client: Client,
  id: string,
  { cursor, isOpen }: { cursor: string | undefined; isOpen: (step: StepAnswer) => boolean },
): Promise<{ steps: StepAnswer[]; resume: string | undefined }> {
  const steps: StepAnswer[] = [];
  let open: { from: string | undefined } | undefined;
  let from = cursor;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next_cursor } = await listStepPage(client, id, from === undefined ? {} : { cursor: from });
    steps.push(...items);
    if (items.some(isOpen)) open ??= { from };
    if (next_cursor === null) break;
    from = next_cursor;
  }
  return { steps, resume: open ? open.from : from };
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

async function listStepPage(client: Client, id: string, filter: { kind?: StepAnswer['kind']; cursor?: string }) {
  const query = { limit: PAGE_LIMIT, ...filter };
  return bodyOf(client.v1.episodes[':id'].steps.$get({ param: { id }, query }));
}
