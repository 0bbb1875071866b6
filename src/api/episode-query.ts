import { z } from '@hono/zod-openapi';
import type { EpisodeFilter } from '../db/read/episodes.ts';
import { EpisodeStatus, TerminalReason } from '../schemas/episode.ts';
import { boundedText } from '../schemas/primitives.ts';
import { DateTime, utcOf } from '../schemas/rfc3339.ts';

/** Words to look for. */
export const SearchText = boundedText(1, 200);

/** Which episodes, as a query says it: every condition that is given must hold. */
export const EpisodeQuery = z.strictObject({
  status: EpisodeStatus.optional(),
  outcome: TerminalReason.optional(),
  agent: boundedText(1, 100).optional(),
  model: boundedText(1, 200).optional(),
  tag: boundedText(1, 100).optional(),
  q: SearchText.optional(),
  trace_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  created_from: DateTime.optional(),
  created_to: DateTime.optional(),
});

/** The filter that a query asks for. */
export function toFilter({ created_from, created_to, ...plain }: z.infer<typeof EpisodeQuery>): EpisodeFilter {
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined)) as EpisodeFilter;
  return {
    ...given,
    ...(created_from !== undefined && { created_from: utcOf(created_from).utc }),
    ...(created_to !== undefined && { created_to: utcOf(created_to).utc }),
  };
}
