import type { Episode } from '../schemas/episode.ts';
import type { NewFeedback } from '../schemas/feedback.ts';
import type { Step } from '../schemas/step.ts';
import { ToolOutput } from '../schemas/step.ts';
import type { Tool } from './tools/tool.ts';

/**
 * The scores that an ended episode gets without anybody's judgement: whether it was approved, and what the last good call
 * of each tool is worth by the tool's own words. What did not happen is not scored.
 */
export function automaticScores(
  { episode, steps }: { episode: Pick<Episode, 'terminal_reason'>; steps: Step[] },
  outputs: ReadonlyMap<string, unknown>,
  registry: ReadonlyMap<string, Pick<Tool, 'scores'>>,
): NewFeedback[] {
  const last = new Map<string, Step>();
  for (const step of steps)
    if (step.superseded_by === null && step.status === 'ok' && registry.has(step.name)) last.set(step.name, step);
  const scored = [...registry].flatMap(([name, tool]) => {
    const step = last.get(name);
    const output = ToolOutput.safeParse(step && outputs.get(step.id)).data;
    if (!step || !output) return [];
    return tool.scores(output.result ?? {}).map((score) => toFeedback({ ...score, seq: step.seq }));
  });
  return [toFeedback({ name: 'approved', value: episode.terminal_reason === 'APPROVED', seq: null }), ...scored];
}

function toFeedback({ name, value, seq }: { name: string; value: number | boolean; seq: number | null }): NewFeedback {
  return typeof value === 'boolean'
    ? { data_type: 'BOOLEAN', name, value, seq, comment: null }
    : { data_type: 'NUMERIC', name, value, seq, comment: null };
}
