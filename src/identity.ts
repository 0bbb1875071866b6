import { hash } from 'node:crypto';

/** The SHA-256 of bytes, or of a text's UTF-8, in 64 lower-case hexadecimal digits. */
export const sha256Of = (content: string | Uint8Array): string => hash('sha256', content, 'hex');

/** The workflow that runs an episode, so that starting it twice starts it once. */
export const workflowIdOf = (episodeId: string): string => `episode-${episodeId}`;

/** The LangGraph thread of an episode. The run is part of it, or a reset to the start would go on with the old conversation. */
export const threadIdOf = (episodeId: string, runId: string): string => `${episodeId}.${runId}`;

/** The trace of an episode in W3C form (32 hexadecimal digits): the same on every machine and every retry. */
export const traceIdOf = (namespace: string, episodeId: string): string =>
  sha256Of(`${namespace}/${episodeId}`).slice(0, 32);

/** The span of a step in W3C form (16 hexadecimal digits), whatever attempt ended it. */
export const spanIdOf = (traceId: string, runId: string, stepKey: string): string =>
  sha256Of(`${traceId}|${runId}|${stepKey}`).slice(0, 16);

/** The span of an episode's root on one line of runs: `rootRun` is the run that began the line. */
export const rootSpanIdOf = (traceId: string, rootRun: string): string => spanIdOf(traceId, rootRun, 'episode');

/** The span of a step's attempt that failed: a child of the step's own. */
export const attemptSpanIdOf = (traceId: string, step: { run_id: string; step_key: string }, attempt: number): string =>
  spanIdOf(traceId, step.run_id, `${step.step_key}#${attempt}`);

/**
 * The run that began the line on which `runId` works. `runs` are all, oldest first; one that took steps over from others
 * (a reset) begins a line, one that took none over (continue-as-new) goes on with the line of the run before.
 */
export function rootRunOf(runs: readonly string[], tookOver: ReadonlySet<string>, runId: string): string {
  let place = runs.indexOf(runId);
  while (place > 0 && !tookOver.has(runs[place] ?? '')) place -= 1;
  return runs[place] ?? runId;
}

/** The id of an event of our own, by what it is of: a UUID of version 8, the same whatever attempt reports it. */
export function eventIdOf(traceId: string, runId: string, key: string): string {
  const hash = sha256Of(`${traceId}|${runId}|event|${key}`);
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}

/** The key of a call is that of the thought that asked for it, and the call's id. */
export const stepKeyOfCall = (parentKey: string, callId: string): string => `${parentKey}/${callId}`;

/** The address of an episode's page, below the address at which people reach the API. */
export const pageUrlOf = (publicUrl: string, episodeId: string): string => `${publicUrl}/episodes/${episodeId}`;

/**
 * The path that serves an artifact's bytes; `link` names the file of a step whose name and type they are served under: the
 * same bytes may be several files.
 */
export function contentPathOf(sha256: string, link?: { step_id: string; path: string }): string {
  const as = link ? `?${new URLSearchParams({ step: link.step_id, path: link.path }).toString()}` : '';
  return `/v1/artifacts/${sha256}/content${as}`;
}

/** The key of a person's message; workflows write the same. */
export const messageKey = (id: string): string => `message:${id}`;

/** The superstep that a step of a graph of one's own belongs to: its key begins with it. */
export const superstepOf = (stepKey: string): number => Number.parseInt(stepKey, 10) || 0;
