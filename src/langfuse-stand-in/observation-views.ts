import type { ObservationsView, ObservationV2 } from '@langfuse/core';
import { jsonOf } from './observation.ts';
import type { Observation } from './observation.ts';

/** v4's groups of members; `core` is always there. */
export const FIELD_GROUPS = [
  'core',
  'basic',
  'time',
  'io',
  'metadata',
  'model',
  'usage',
  'prompt',
  'metrics',
  'trace_context',
] as const;
export type FieldGroup = (typeof FIELD_GROUPS)[number];

/** A metadata value is cut to this many characters unless its key is asked for whole. */
const METADATA_CHARS_MAX = 200;

/** How a row is to be shown. `whole_metadata`: the keys whose values are not cut. */
export type ViewOptions = {
  project_id: string;
  received_at: string;
  groups: ReadonlySet<FieldGroup>;
  whole_metadata: ReadonlySet<string>;
};

/**
 * The observation as Langfuse v4's `GET /v2/observations` shows it, with the groups of members asked for. Its store has no
 * null for texts: what was not said is empty there.
 */
export function observationV2(seen: Observation, options: ViewOptions): ObservationV2 {
  const { project_id, received_at, groups, whole_metadata } = options;
  return {
    id: seen.id,
    traceId: seen.traceId,
    startTime: seen.startTime,
    endTime: seen.endTime,
    projectId: project_id,
    parentObservationId: seen.parentObservationId,
    type: seen.type,
    modelId: null,
    inputPrice: null,
    outputPrice: null,
    totalPrice: null,
    latency: secondsBetween(seen.startTime, seen.endTime),
    timeToFirstToken: secondsBetween(seen.startTime, seen.completionStartTime),
    ...(groups.has('basic') && {
      name: seen.name ?? '',
      level: seen.level,
      statusMessage: seen.statusMessage ?? '',
      version: seen.version ?? '',
      environment: seen.environment,
      bookmarked: false,
      public: seen.public,
      userId: seen.userId ?? '',
      sessionId: seen.sessionId ?? '',
      isRootObservation: seen.isRootObservation,
    }),
    ...(groups.has('time') && {
      completionStartTime: seen.completionStartTime,
      createdAt: received_at,
      updatedAt: received_at,
    }),
    ...(groups.has('io') && { input: seen.input ?? '', output: seen.output ?? '' }),
    ...(groups.has('metadata') && { metadata: metadataOf(seen, whole_metadata) }),
    ...(groups.has('model') && {
      model: seen.model ?? '',
      internalModelId: null,
      modelParameters: seen.modelParameters,
    }),
    ...(groups.has('usage') && usageV2(seen)),
    ...(groups.has('prompt') && {
      promptId: '',
      promptName: seen.promptName ?? '',
      promptVersion: seen.promptVersion,
    }),
    ...(groups.has('trace_context') && {
      traceName: seen.traceName ?? '',
      tags: seen.tags,
      release: seen.release ?? '',
    }),
  };
}

/** Usage and cost as they were told, and summed up by whether they went in or came out. */
function usageV2({ usageDetails, costDetails }: Observation) {
  const sums = (amounts: Record<string, number>) => {
    const of = (side: string) =>
      Object.entries(amounts).reduce((sum, [unit, amount]) => (unit.startsWith(side) ? sum + amount : sum), 0);
    const { total = of('input') + of('output') } = amounts;
    return { input: of('input'), output: of('output'), total };
  };
  const [usage, cost] = [sums(usageDetails), sums(costDetails)];
  const costs = Object.keys(costDetails).length > 0;
  return {
    usageDetails,
    costDetails,
    inputUsage: usage.input,
    outputUsage: usage.output,
    totalUsage: usage.total,
    inputCost: costs ? cost.input : null,
    outputCost: costs ? cost.output : null,
    totalCost: costs ? cost.total : null,
    usagePricingTierName: null,
  };
}

/** The observation as `GET /observations` of servers before v4 shows it: everything, input and output as JSON. */
export function observationV1(seen: Observation): ObservationsView {
  const { usageDetails, costDetails } = seen;
  const [input = 0, output = 0] = [usageDetails['input'], usageDetails['output']];
  return {
    id: seen.id,
    traceId: seen.traceId,
    type: seen.type,
    name: seen.name,
    startTime: seen.startTime,
    endTime: seen.endTime,
    completionStartTime: seen.completionStartTime,
    model: seen.model,
    modelParameters: seen.modelParameters,
    input: seen.input === null ? null : jsonOf(seen.input),
    output: seen.output === null ? null : jsonOf(seen.output),
    version: seen.version,
    metadata: metadataOf(seen, 'all'),
    usage: { input, output, total: usageDetails['total'] ?? 0, unit: 'TOKENS' },
    level: seen.level,
    statusMessage: seen.statusMessage,
    parentObservationId: seen.parentObservationId,
    promptId: null,
    usageDetails,
    costDetails,
    environment: seen.environment,
    promptName: seen.promptName,
    promptVersion: seen.promptVersion,
    modelId: null,
    inputPrice: null,
    outputPrice: null,
    totalPrice: null,
    calculatedInputCost: costDetails['input'] ?? null,
    calculatedOutputCost: costDetails['output'] ?? null,
    calculatedTotalCost: costDetails['total'] ?? null,
    latency: secondsBetween(seen.startTime, seen.endTime),
    timeToFirstToken: secondsBetween(seen.startTime, seen.completionStartTime),
  };
}

/** Dotted paths to values, each read as JSON where it is JSON, so that numbers come back as numbers. */
function metadataOf({ metadata }: Observation, whole: ReadonlySet<string> | 'all'): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, text]) => [
      key,
      jsonOf(whole === 'all' || whole.has(key) ? text : text.slice(0, METADATA_CHARS_MAX)),
    ]),
  );
}

/** Seconds, or null for what has not ended. */
export function secondsBetween(from: string, to: string | null): number | null {
  return to === null ? null : (Date.parse(to) - Date.parse(from)) / 1_000;
}
