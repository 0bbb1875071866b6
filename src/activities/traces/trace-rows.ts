import type { EpisodeRecord } from '../../db/read/coverage.ts';
import { rootSpanIdOf } from '../../identity.ts';
import { hasEnded } from '../../schemas/episode.ts';
import type { Observation } from '../../schemas/trace.ts';

/** The root that an episode which runs is listed by; undefined where none was sent. */
export const begunRootOf = ({ episode, runs, begun }: EpisodeRecord): string | undefined =>
  begun && runs[0] !== undefined ? rootSpanIdOf(episode.trace_id, runs[0]) : undefined;

/**
 * The rows of an episode's trace without the root as it was when the episode began, once that has ended: the root with its end
 * comes in its place, beside it until the server has merged the two. Where it is alone, the root is missing.
 */
export function currentRows(record: EpisodeRecord, rows: Observation[]): Observation[] {
  const begun = hasEnded(record.episode.status) ? begunRootOf(record) : undefined;
  return rows.filter(({ id, startTime, endTime }) => id !== begun || (endTime ?? startTime) !== startTime);
}
