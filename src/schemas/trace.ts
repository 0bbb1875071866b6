import { z } from 'zod';
import type { Json } from './primitives.ts';
import type { Episode } from './episode.ts';
import type { Step, StepAttempt } from './step.ts';
import type { ArtifactLink } from './artifact.ts';

/** What a model was asked with, for the trace alone, since the record holds it as earlier steps: messages, parameters. */
export type ModelInput = { messages: Json[]; parameters: ModelParameters };
export type ModelParameters = Record<string, string | number>;

/** What Langfuse calls an observation's type. */
export const ObservationType = z.enum(['AGENT', 'GENERATION', 'TOOL', 'EVALUATOR', 'SPAN', 'EVENT']);
export type ObservationType = z.infer<typeof ObservationType>;

/** How much an observation matters, in Langfuse's words. */
export const ObservationLevel = z.enum(['DEFAULT', 'WARNING', 'ERROR']);
export type ObservationLevel = z.infer<typeof ObservationLevel>;

/** A value as OTLP's JSON writes it. */
const OtlpValue = z.union([
  z.object({ stringValue: z.string() }),
  z.object({ arrayValue: z.object({ values: z.array(z.object({ stringValue: z.string() })) }) }),
]);
export type OtlpValue = z.infer<typeof OtlpValue>;

/**
 * A finished span in OTLP's JSON form with Langfuse's attributes: what the outbox holds and delivery sends, byte for byte.
 * Ids are lower-case hexadecimal (W3C trace context), times decimal nanoseconds since 1970.
 */
export const OtlpSpan = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string(),
  kind: z.literal(1),
  startTimeUnixNano: z.string().regex(/^\d+$/),
  endTimeUnixNano: z.string().regex(/^\d+$/),
  attributes: z.array(z.object({ key: z.string(), value: OtlpValue })),
  status: z.object({ code: z.union([z.literal(0), z.literal(2)]), message: z.string().optional() }),
});
export type OtlpSpan = z.infer<typeof OtlpSpan>;

/** What the outbox holds of a row's kind: a step's span, a failed attempt's, a run line's root, the
 * root of an episode that has begun, a score, or a picture. */
export const OutboxSubject = z.enum(['step', 'attempt', 'root', 'begun', 'score', 'media']);
export type OutboxSubject = z.infer<typeof OutboxSubject>;

/**
 * The state of an item of the outbox. `sending` is also one whose sender did not get the answer: it is read back before it
 * is sent again. `accepted` was taken by the server, `confirmed` was seen in it, `parked` was refused for what it holds.
 */
export const OutboxState = z.enum(['pending', 'sending', 'accepted', 'confirmed', 'parked']);
export type OutboxState = z.infer<typeof OutboxState>;

/** A score in Langfuse's words, as the outbox holds it. `value` is a number, also for BOOLEAN (1 or 0), or a category's name. */
export const Score = z.object({
  id: z.string(),
  traceId: z.string(),
  observationId: z.string().optional(),
  name: z.string(),
  value: z.union([z.number(), z.string()]),
  dataType: z.enum(['NUMERIC', 'BOOLEAN', 'CATEGORICAL']),
  comment: z.string().optional(),
  environment: z.string(),
  /** Who gave it, and by which way. */
  metadata: z.record(z.string(), z.string()).optional(),
  /** When it was given, ISO 8601. */
  timestamp: z.string(),
});
export type Score = z.infer<typeof Score>;

/** A picture that a span refers to, as the outbox holds it: its bytes are the object of this hash. */
export const Media = z.object({
  trace_id: z.string(),
  observation_id: z.string(),
  field: z.literal('metadata'),
  sha256: z.string(),
  size_bytes: z.number(),
  content_type: z.string(),
});
export type Media = z.infer<typeof Media>;

/** An observation as a Langfuse server returns it, as far as delivery and coverage read it. */
export const Observation = z.object({
  id: z.string(),
  traceId: z.string().nullish(),
  type: z.string(),
  parentObservationId: z.string().nullish(),
  startTime: z.string().nullish(),
  endTime: z.string().nullish(),
});
export type Observation = z.infer<typeof Observation>;

/** How many items of the outbox are in which state, and the oldest that is not confirmed (ISO 8601); parked ones not counted there. */
export type OutboxCounts = Record<OutboxState, number> & { oldest_unconfirmed_at: string | null };

/** What of an episode its spans show. */
export type TracedEpisode = Pick<Episode, 'id' | 'task' | 'agent' | 'tags' | 'metadata' | 'code_version' | 'seed'> &
  Partial<Pick<Episode, 'generation_kind' | 'parent_episode_id' | 'forked_from_seq' | 'recorded_until'>>;

/** A step that ended, with what its spans need to know: the span above it, its files, and the attempts that failed. */
export type EndedStep = {
  episode: TracedEpisode;
  step: Step;
  parent_span_id: string;
  artifacts: ArtifactLink[];
  failed: StepAttempt[];
  /** What a model was asked with; null where none was. */
  model_input: ModelInput | null;
};

/** An item of the outbox, frozen: its id, its bytes and their hash. */
export type FrozenItem = {
  span_id: string;
  trace_id: string;
  subject: OutboxSubject;
  payload: string;
  payload_sha256: string;
};
