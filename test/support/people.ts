import { randomUUID } from 'node:crypto';
import { insertPersonRequest } from '../../src/db/append/person-requests.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import type { Deployment } from './deployment.ts';

type Reached = Pick<Deployment, 'workflows'> & { database: Pick<Deployment['database'], 'db'> };
/** What a person says; under one id once. */
type Spoken = { id?: string; author?: string; text: string };

/** Speaks to an episode as the API does: the words become a row, then the workflow hears of them. */
export async function sendMessage(
  { database: { db }, workflows }: Reached,
  episode: Episode,
  { id = randomUUID(), author = 'ada', text }: Spoken,
): Promise<void> {
  await insertPersonRequest(db, episode.id, { kind: 'message', id, said: { author, text } });
  await workflows.sendMessage(episode, { id, author });
}

/** Pauses it, for this reason. */
export async function pauseEpisode(
  { database: { db }, workflows }: Reached,
  episode: Episode,
  { id = randomUUID(), author = 'ada', text }: Spoken,
): Promise<void> {
  await insertPersonRequest(db, episode.id, { kind: 'pause', id, said: { author, text } });
  await workflows.pauseEpisode(episode, { id, author });
}

/** Answers what a step waits for. */
export async function answerStep(
  { database: { db }, workflows }: Reached,
  episode: Episode,
  { id = randomUUID(), author = 'ada', text, step, approve = true }: Spoken & { step: number; approve?: boolean },
): Promise<void> {
  await insertPersonRequest(db, episode.id, { kind: 'answer', id, said: { author, step, approve, text } });
  await workflows.answer(episode, { id, author, step, approve });
}
