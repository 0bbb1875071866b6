import { z } from 'zod';
import { EpisodeStatus, TerminalReason } from './episode.ts';
import { Count, Timestamp, Uuid } from './primitives.ts';

/** What a search looks through, in the order in which it answers: tasks and failures, steps, lines that warn or err. */
export const SearchKind = z.enum(['episode', 'step', 'log']);
export type SearchKind = z.infer<typeof SearchKind>;

/** A place where the words were found. `text` is cut around the first of them. */
export const SearchHit = z.object({
  kind: SearchKind,
  episode_id: Uuid,
  /** The step's number; null for an episode, and for a line of the episode itself. */
  seq: z.number().int().min(1).nullable(),
  /** A log line's place in the episode's stream; null for the others. */
  stream_seq: Count.nullable(),
  at: Timestamp,
  text: z.string(),
});
export type SearchHit = z.infer<typeof SearchHit>;

/** What became of a set of episodes. Medians, rates and durations are over those that have ended; null where none has. */
export const Statistics = z.object({
  episodes: Count,
  by_status: z.record(EpisodeStatus, Count),
  by_outcome: z.partialRecord(TerminalReason, Count),
  /** Approved ones of those that have ended, 0 to 1. */
  success_rate: z.number().min(0).max(1).nullable(),
  steps_median: z.number().min(0).nullable(),
  /** US dollars, of all of them; null where some think with a model whose price nobody said. */
  usd_sum: z.number().min(0).nullable(),
  /** null also where the cost of some that have ended is not known. */
  usd_median: z.number().min(0).nullable(),
  duration_s_p50: z.number().nullable(),
  duration_s_p95: z.number().nullable(),
});
export type Statistics = z.infer<typeof Statistics>;
