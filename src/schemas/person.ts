import { z } from 'zod';
import { boundedText, Uuid } from './primitives.ts';

/** What a person says at most at once, in code points. */
const SAID_CHARS_MAX = 4_000;

/** Pauses an episode: the body of `POST /v1/episodes/{id}/pause`. */
export const PauseEpisode = z.strictObject({ reason: boundedText(0, SAID_CHARS_MAX).default('') });
export type PauseEpisode = z.infer<typeof PauseEpisode>;

/** A message to the agents. Under the same `id` it is delivered once, however often it is sent. */
export const NewMessage = z.strictObject({ id: Uuid.optional(), text: boundedText(1, SAID_CHARS_MAX) });
export type NewMessage = z.infer<typeof NewMessage>;

/** Answers the question or approval that step `step` waits for; a question's answer is its `text`. */
export const NewAnswer = z.strictObject({
  step: z.number().int().min(1).max(2_147_483_647),
  approve: z.boolean().default(true),
  text: boundedText(0, SAID_CHARS_MAX).default(''),
});
export type NewAnswer = z.infer<typeof NewAnswer>;

/** What the workflow hears of a pause: who asked, and under which id the reason stands in the record. */
export type SpokenPause = { id: string; author: string };
/** The same of a message. */
export type SpokenMessage = SpokenPause;
/** The same of an answer, with what it decides. */
export type SpokenAnswer = SpokenPause & { step: number; approve: boolean };
