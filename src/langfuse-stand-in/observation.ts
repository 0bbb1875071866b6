import { z } from 'zod';

/** Langfuse's observation types; what is none of them is shown as a SPAN. */
export const OBSERVATION_TYPES = [
  'SPAN',
  'GENERATION',
  'EVENT',
  'AGENT',
  'TOOL',
  'CHAIN',
  'RETRIEVER',
  'EVALUATOR',
  'EMBEDDING',
  'GUARDRAIL',
] as const;

const Level = z.enum(['DEBUG', 'DEFAULT', 'WARNING', 'ERROR']);
export type Level = z.infer<typeof Level>;

const nullableText = z.string().nullable();
/** Names to amounts, as usage (units) and cost (USD) are kept. */
const Amounts = z.record(z.string(), z.number());

/**
 * An observation as it is kept, in Langfuse's own words (camelCase); times are ISO 8601 UTC with milliseconds. `input` and
 * `output` are texts, JSON mostly; `metadata` maps dotted paths to texts.
 */
export const Observation = z.object({
  id: z.string(),
  traceId: z.string(),
  startTime: z.string(),
  endTime: nullableText,
  parentObservationId: nullableText,
  isRootObservation: z.boolean(),
  type: z.enum(OBSERVATION_TYPES),
  name: nullableText,
  level: Level,
  statusMessage: nullableText,
  version: nullableText,
  environment: z.string(),
  public: z.boolean(),
  userId: nullableText,
  sessionId: nullableText,
  completionStartTime: nullableText,
  input: nullableText,
  output: nullableText,
  metadata: z.record(z.string(), z.string()),
  model: nullableText,
  modelParameters: z.record(z.string(), z.union([z.string(), z.number()])),
  usageDetails: Amounts,
  costDetails: Amounts,
  promptName: nullableText,
  promptVersion: z.number().nullable(),
  traceName: nullableText,
  tags: z.array(z.string()),
  release: nullableText,
});
export type Observation = z.infer<typeof Observation>;

/** What one message said of an observation: a span says all of it, an event of the older API any part. */
export const ObservationPart = Observation.partial().required({ id: true, traceId: true });
export type ObservationPart = z.infer<typeof ObservationPart>;

/** What holds of an observation of which nothing was said. */
const UNSAID: Omit<Observation, 'id' | 'traceId' | 'startTime'> = {
  endTime: null,
  parentObservationId: null,
  isRootObservation: false,
  type: 'SPAN',
  name: null,
  level: 'DEFAULT',
  statusMessage: null,
  version: null,
  environment: 'default',
  public: false,
  userId: null,
  sessionId: null,
  completionStartTime: null,
  input: null,
  output: null,
  metadata: {},
  model: null,
  modelParameters: {},
  usageDetails: {},
  costDetails: {},
  promptName: null,
  promptVersion: null,
  traceName: null,
  tags: [],
  release: null,
};

/** The observation that the parts, oldest first, say together: later words win, metadata is merged key by key. */
export function observationOf(parts: ObservationPart[], start_time: string): Observation {
  const whole = { ...UNSAID, id: '', traceId: '', startTime: start_time };
  for (const part of parts) Object.assign(whole, part, { metadata: { ...whole.metadata, ...part.metadata } });
  return whole;
}

/** A row to be added: `start_time` decides the order of reads. */
export type ObservationRow = { trace_id: string; id: string; start_time: string; body: ObservationPart };

const ENVIRONMENT = /^(?!langfuse)[a-z0-9\-_]{1,40}$/;

/** The environment as Langfuse keeps it: what does not match its rule silently becomes `default`. */
export function environmentOf(value: unknown): string {
  return typeof value === 'string' && ENVIRONMENT.test(value) ? value : 'default';
}

/** The level that a sender meant, in any letter case; undefined when it is none. */
export function levelOf(value: unknown): Level | undefined {
  const parsed = Level.safeParse(typeof value === 'string' ? value.toUpperCase() : value);
  return parsed.success ? parsed.data : undefined;
}

/** The numbers in `value` with their sum as `total` unless that is given; empty for what holds none. */
export function amountsOf(value: unknown): Record<string, number> {
  const entries = Object.entries(recordOf(value)).filter((entry): entry is [string, number] => isAmount(entry[1]));
  if (entries.length === 0) return {};
  const amounts = Object.fromEntries(entries);
  return { ...amounts, total: amounts['total'] ?? entries.reduce((sum, [, amount]) => sum + amount, 0) };
}

/** Objects flattened to dotted paths and texts; arrays and other values are JSON, empty objects vanish. */
export function flattened(value: unknown, prefix = '', depth = 1): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [key, member] of Object.entries(recordOf(value))) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isRecord(member) && depth < METADATA_DEPTH_MAX) Object.assign(flat, flattened(member, path, depth + 1));
    else if (member !== null && member !== undefined) flat[path] = textOf(member);
  }
  return flat;
}

/** Deeper than this, metadata stays JSON in one text. */
const METADATA_DEPTH_MAX = 16;

/** A text as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** The value that the text holds as JSON, else the text itself. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON: then the text is what was meant.
    return text;
  }
}

/** The value when it is a plain object, else an empty one. */
export function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
