import { createHash } from 'node:crypto';

const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex');

/** The workflow that runs an episode, so that starting it twice starts it once. */
export const workflowIdOf = (episodeId: string): string => `episode-${episodeId}`;

/** The LangGraph thread of an episode. The run is part of it, or a reset to the start would go on with the old conversation. */
export const threadIdOf = (episodeId: string, runId: string): string => `${episodeId}.${runId}`;

/** The trace of an episode in W3C form (32 hexadecimal digits): the same on every machine and every retry. */
export const traceIdOf = (namespace: string, episodeId: string): string =>
  sha256Hex(`${namespace}/${episodeId}`).slice(0, 32);

/** The span of a step in W3C form (16 hexadecimal digits), whatever attempt ended it. */
export const spanIdOf = (traceId: string, runId: string, stepKey: string): string =>
  sha256Hex(`${traceId}|${runId}|${stepKey}`).slice(0, 16);

/** The key of a call is that of the thought that asked for it, and the call's id. */
export const stepKeyOfCall = (parentKey: string, callId: string): string => `${parentKey}/${callId}`;

/** The key of the thought that asked for this call; undefined for a thought's own key. */
export function parentKeyOf(stepKey: string): string | undefined {
  const slash = stepKey.indexOf('/');
  return slash < 0 ? undefined : stepKey.slice(0, slash);
}
