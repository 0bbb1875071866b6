import { z } from 'zod';
import { Json } from './primitives.ts';

/** What Langfuse calls an observation's type. */
export const ObservationType = z.enum(['AGENT', 'GENERATION', 'TOOL', 'EVALUATOR', 'SPAN', 'EVENT']);
export type ObservationType = z.infer<typeof ObservationType>;

/** A finished span, frozen in the outbox when its step ends. Times are ISO 8601 UTC; ids are lower-case hexadecimal (W3C trace context). */
export const Span = z.object({
  trace_id: z.string(),
  span_id: z.string(),
  parent_span_id: z.string().nullable(),
  type: ObservationType,
  name: z.string(),
  level: z.enum(['DEFAULT', 'WARNING', 'ERROR']),
  status_message: z.string().nullable(),
  started_at: z.string(),
  ended_at: z.string(),
  input: Json.nullable(),
  output: Json.nullable(),
  model: z.string().nullable(),
  usage: z.object({ input: z.number(), output: z.number(), usd: z.number() }).nullable(),
  metadata: z.record(z.string(), Json),
});
export type Span = z.infer<typeof Span>;
