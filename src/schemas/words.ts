import { z } from 'zod';
import { Count, Uuid } from './primitives.ts';

/**
 * What a running thought has said since it was last told, or a part of that: words, or what its model thinks before it speaks.
 * They are never stored, and some may be missing: `from` says where they lie in what this attempt says of that kind, in UTF-16
 * units. What was told from there on before does not hold any more.
 */
export const Words = z.object({
  step_id: Uuid,
  seq: z.number().int().min(1),
  attempt: z.number().int().min(1),
  kind: z.enum(['text', 'reasoning']),
  from: Count,
  text: z.string(),
});
export type Words = z.infer<typeof Words>;
