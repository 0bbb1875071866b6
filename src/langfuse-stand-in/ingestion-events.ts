import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { amountsOf, environmentOf, flattened, levelOf, OBSERVATION_TYPES, textOf } from './observation.ts';
import type { Observation, ObservationPart, ObservationRow } from './observation.ts';
import { ScoreRequest, scoreOf } from './score.ts';
import type { Score } from './score.ts';
import { parametersOf } from './span-mapping.ts';

/** What a trace-create event said. */
export type TraceRow = { id: string; body: TraceBody };

/** What a batch of events asks to be kept, and what is answered for each. */
export type SortedEvents = {
  observations: ObservationRow[];
  traces: TraceRow[];
  scores: Score[];
  successes: { id: string; status: number }[];
  errors: { id: string; status: number; message: string; error: string }[];
};

/**
 * Which server this stands for: a default v4 one, one of the v2 and v3 lines (`legacy`), or a v4 one that is set to go on writing
 * the older store: it says 4, serves the older reads, and answers the newer ones with nothing.
 */
export type IngestionMode = 'events_only' | 'legacy' | 'v4_legacy';

const Envelope = z.object({
  id: z.string().min(1),
  type: z.string(),
  timestamp: z.iso.datetime({ offset: true }),
  body: z.record(z.string(), z.unknown()),
});
type Envelope = z.infer<typeof Envelope>;

const text = z.string().nullish();
const time = z.coerce.date().nullish();

/** What a trace-create event says; the rest of it is not kept. */
export const TraceBody = z.object({
  id: text,
  name: text,
  userId: text,
  sessionId: text,
  release: text,
  version: text,
  environment: text,
  tags: z.array(z.string()).nullish(),
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  metadata: z.unknown().optional(),
});
export type TraceBody = z.infer<typeof TraceBody>;

const ObservationBody = z.object({
  id: text,
  traceId: text,
  type: text,
  name: text,
  startTime: time,
  endTime: time,
  completionStartTime: time,
  parentObservationId: text,
  level: text,
  statusMessage: text,
  version: text,
  environment: text,
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  metadata: z.unknown().optional(),
  model: text,
  modelParameters: z.unknown().optional(),
  usage: z.record(z.string(), z.unknown()).nullish(),
  usageDetails: z.unknown().optional(),
  costDetails: z.unknown().optional(),
  promptName: text,
  promptVersion: z.number().nullish(),
});

/** What a v4 server still takes here; everything else must come by OTLP. */
const TAKEN_BY_V4 = new Set(['score-create', 'sdk-log']);

/** Sorts the events of a batch (each is answered by itself, as the 207 of the ingestion API says). */
export function sortEvents(batch: unknown[], mode: IngestionMode, now: string): SortedEvents {
  const sorted: SortedEvents = { observations: [], traces: [], scores: [], successes: [], errors: [] };
  for (const event of batch) {
    const parsed = Envelope.safeParse(event);
    const id = parsed.success ? parsed.data.id : (idOf(event) ?? 'unknown');
    const refused = parsed.success ? take(parsed.data, { sorted, mode, now }) : z.prettifyError(parsed.error);
    if (refused === undefined) sorted.successes.push({ id, status: 201 });
    else sorted.errors.push({ id, status: 400, message: 'Invalid request data', error: refused });
  }
  return sorted;
}

/** Puts the event where it belongs; returns why not, if not. */
function take(
  event: Envelope,
  { sorted, mode, now }: { sorted: SortedEvents; mode: IngestionMode; now: string },
): string | undefined {
  const { type, body } = event;
  if (mode === 'events_only' && !TAKEN_BY_V4.has(type))
    return `Event type "${type}" is not accepted by /api/public/ingestion in events_only mode: send traces by OTLP.`;
  if (type === 'sdk-log') return undefined;
  if (type === 'score-create') {
    const score = ScoreRequest.safeParse(body);
    if (score.success) sorted.scores.push(scoreOf(score.data, now));
    return score.success ? undefined : z.prettifyError(score.error);
  }
  if (type === 'trace-create') {
    const trace = TraceBody.safeParse(body);
    if (trace.success) sorted.traces.push({ id: trace.data.id ?? randomUUID(), body: trace.data });
    return trace.success ? undefined : z.prettifyError(trace.error);
  }
  const kind = /^([a-z]+)-(?:create|update)$/.exec(type)?.[1];
  const observationType = typeOf(kind === 'observation' ? body['type'] : kind);
  if (kind === undefined || (kind !== 'observation' && observationType === undefined)) return `Unknown type "${type}"`;
  const observation = ObservationBody.safeParse(body);
  if (!observation.success) return z.prettifyError(observation.error);
  sorted.observations.push(rowOf(observation.data, { type: observationType, timestamp: event.timestamp }));
  return undefined;
}

function rowOf(
  body: z.infer<typeof ObservationBody>,
  { type, timestamp }: { type: Observation['type'] | undefined; timestamp: string },
): ObservationRow {
  const id = body.id ?? randomUUID();
  const traceId = body.traceId ?? randomUUID();
  const usage = usageOf(body.usage ?? {});
  const said: Partial<Record<keyof Observation, unknown>> = {
    type,
    name: body.name,
    startTime: body.startTime?.toISOString(),
    endTime: body.endTime?.toISOString(),
    completionStartTime: body.completionStartTime?.toISOString(),
    parentObservationId: body.parentObservationId,
    level: levelOf(body.level),
    statusMessage: body.statusMessage,
    version: body.version,
    environment: body.environment && environmentOf(body.environment),
    input: textIfAny(body.input),
    output: textIfAny(body.output),
    metadata:
      body.metadata && flattened(typeof body.metadata === 'object' ? body.metadata : { metadata: body.metadata }),
    model: body.model,
    modelParameters: body.modelParameters && parametersOf(body.modelParameters),
    usageDetails: body.usageDetails || body.usage ? amountsOf(body.usageDetails ?? usage.units) : undefined,
    costDetails: body.costDetails || body.usage ? amountsOf(body.costDetails ?? usage.costs) : undefined,
    promptName: body.promptName,
    promptVersion: body.promptVersion,
  };
  const part = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== null));
  // Each member above is of its member's type or left out; `Observation` parses the row again when it is read.
  const whole = { ...part, id, traceId } as ObservationPart;
  const start_time = body.startTime?.toISOString() ?? new Date(timestamp).toISOString();
  return { trace_id: traceId, id, start_time, body: whole };
}

/** The older forms of usage: Langfuse's own and OpenAI's. */
function usageOf(usage: Record<string, unknown>) {
  return {
    units: {
      input: usage['input'] ?? usage['promptTokens'],
      output: usage['output'] ?? usage['completionTokens'],
      total: usage['total'] ?? usage['totalTokens'],
    },
    costs: { input: usage['inputCost'], output: usage['outputCost'], total: usage['totalCost'] },
  };
}

function typeOf(kind: unknown): Observation['type'] | undefined {
  return OBSERVATION_TYPES.find((type) => typeof kind === 'string' && type === kind.toUpperCase());
}

const textIfAny = (value: unknown) => (value === undefined || value === null ? undefined : textOf(value));

function idOf(event: unknown): string | undefined {
  const parsed = z.object({ id: z.string() }).safeParse(event);
  return parsed.success ? parsed.data.id : undefined;
}
