import { randomUUID } from 'node:crypto';
import type { Score as LangfuseScore, ScoreSubjectV3, ScoreV3 } from '@langfuse/core';
import { z } from 'zod';
import { environmentOf } from './observation.ts';

const nullableText = z.string().nullish();

/** A score as clients send it, alone or as the body of a `score-create` event. */
export const ScoreRequest = z
  .object({
    id: z.string().min(1).optional(),
    name: z.string().min(1),
    value: z.union([z.number(), z.string()]),
    dataType: z.enum(['NUMERIC', 'BOOLEAN', 'CATEGORICAL', 'TEXT', 'CORRECTION']).nullish(),
    traceId: nullableText,
    observationId: nullableText,
    sessionId: nullableText,
    datasetRunId: nullableText,
    comment: nullableText,
    configId: nullableText,
    queueId: nullableText,
    environment: nullableText,
    source: z.enum(['API', 'ANNOTATION', 'EVAL']).nullish(),
    metadata: z.unknown().optional(),
  })
  .refine(({ traceId, sessionId, datasetRunId }) => traceId || sessionId || datasetRunId, {
    error: 'a score needs a traceId, a sessionId or a datasetRunId',
  })
  .refine(({ value, dataType }) => dataType !== 'BOOLEAN' || value === 0 || value === 1, {
    error: 'the value of a BOOLEAN is 0 or 1',
  })
  .refine(({ value, dataType }) => (typeof value === 'number') === isNumeric(dataType ?? typeOfValue(value)), {
    error: 'the value is not of the dataType',
  });
export type ScoreRequest = z.infer<typeof ScoreRequest>;

/** A score as it is kept. The newest row of an id is the score; older ones stay. */
export const Score = z.object({
  id: z.string(),
  name: z.string(),
  value: z.union([z.number(), z.string()]),
  dataType: z.enum(['NUMERIC', 'BOOLEAN', 'CATEGORICAL', 'TEXT', 'CORRECTION']),
  traceId: z.string().nullable(),
  observationId: z.string().nullable(),
  sessionId: z.string().nullable(),
  datasetRunId: z.string().nullable(),
  comment: z.string().nullable(),
  configId: z.string().nullable(),
  queueId: z.string().nullable(),
  environment: z.string(),
  source: z.enum(['API', 'ANNOTATION', 'EVAL']),
  metadata: z.unknown().optional(),
  timestamp: z.string(),
});
export type Score = z.infer<typeof Score>;

/** The score that a request asks for; without an id it gets one, without a dataType the one its value implies. */
export function scoreOf(request: ScoreRequest, timestamp: string): Score {
  return {
    id: request.id ?? randomUUID(),
    name: request.name,
    value: request.value,
    dataType: request.dataType ?? typeOfValue(request.value),
    traceId: request.traceId ?? null,
    observationId: request.observationId ?? null,
    sessionId: request.sessionId ?? null,
    datasetRunId: request.datasetRunId ?? null,
    comment: request.comment ?? null,
    configId: request.configId ?? null,
    queueId: request.queueId ?? null,
    environment: environmentOf(request.environment),
    source: request.source ?? 'API',
    metadata: request.metadata ?? {},
    timestamp,
  };
}

/** A score as Langfuse's v2 API (servers before v4) shows it. */
export function scoreV2(score: Score): LangfuseScore {
  const { value, dataType, source, ...rest } = score;
  const base = {
    ...rest,
    source,
    createdAt: score.timestamp,
    updatedAt: score.timestamp,
    authorUserId: null,
  };
  const number = typeof value === 'number' ? value : 0;
  const text = String(value);
  switch (dataType) {
    case 'NUMERIC':
      return { ...base, dataType, value: number };
    case 'BOOLEAN':
      return { ...base, dataType, value: number, stringValue: number === 1 ? 'True' : 'False' };
    case 'CATEGORICAL':
    case 'CORRECTION':
      return { ...base, dataType, value: 0, stringValue: text };
    default:
      return { ...base, dataType, stringValue: text };
  }
}

/** The groups of members that v4's `fields` may add. */
export const SCORE_GROUPS = ['details', 'subject', 'annotation'] as const;

/** A score as Langfuse v4 shows it (`/v3/scores`), with the groups asked for. */
export function scoreV3(
  score: Score,
  { project_id, groups }: { project_id: string; groups: ReadonlySet<string> },
): ScoreV3 {
  const { value, dataType, comment, configId, queueId, metadata } = score;
  const base = {
    id: score.id,
    projectId: project_id,
    name: score.name,
    source: score.source,
    timestamp: score.timestamp,
    environment: score.environment,
    createdAt: score.timestamp,
    updatedAt: score.timestamp,
    ...(groups.has('details') && { comment, configId, metadata: metadata as Record<string, unknown> }),
    ...(groups.has('annotation') && { authorUserId: null, queueId }),
    ...(groups.has('subject') && { subject: subjectOf(score) }),
  };
  switch (dataType) {
    case 'NUMERIC':
      return { ...base, dataType, value: Number(value) };
    case 'BOOLEAN':
      return { ...base, dataType, value: value === 1 };
    default:
      return { ...base, dataType, value: String(value) };
  }
}

function subjectOf({ traceId, observationId, sessionId, datasetRunId }: Score): ScoreSubjectV3 {
  if (observationId) return { kind: 'observation', id: observationId, ...(traceId && { traceId }) };
  if (traceId) return { kind: 'trace', id: traceId };
  if (sessionId) return { kind: 'session', id: sessionId };
  return { kind: 'experiment', id: datasetRunId ?? '' };
}

const isNumeric = (type: Score['dataType']) => type === 'NUMERIC' || type === 'BOOLEAN';
const typeOfValue = (value: number | string) => (typeof value === 'number' ? 'NUMERIC' : 'CATEGORICAL');
