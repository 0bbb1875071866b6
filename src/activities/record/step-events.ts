import type { Kysely } from 'kysely';
import { readEvidence } from '../../db/read/events.ts';
import type { Database } from '../../schemas/database.ts';
import type { Json, JsonInput, JsonObject } from '../../schemas/primitives.ts';
import { ThoughtOutput, ToolOutput } from '../../schemas/step.ts';
import type { Step, TurnEnd, Usage } from '../../schemas/step.ts';
import { fileTypeOf } from '../../storage/content-type.ts';
import { inspectMedia } from '../../agents/tools/inspect-media.ts';
import type { Fact, Tool } from '../../agents/tools/tool.ts';
import { factsOfAnswer } from './answer-event.ts';

// Which events a step of our own amounts to; those of a call are said by its tool.

/** A step that ends: what it was asked (as its row keeps it), the arguments as its tool took them, its result. */
export type EndingStep = {
  step: Pick<Step, 'id' | 'episode_id' | 'seq' | 'kind' | 'agent' | 'name' | 'model'>;
  status: 'ok' | 'error' | 'cancelled';
  input: Json;
  /** null where no tool ran to its end. */
  took: JsonObject | null;
  output: JsonInput;
  /** What it used; null where nobody said. */
  usage: Usage | null;
};

/** What models are shown comes from this tool's results, between thoughts. */
const MEDIA_TOOL = inspectMedia.name;

/** The events of a step, in their order; nothing is in them that the step did not do. */
export async function factsOf(
  db: Kysely<Database>,
  registry: ReadonlyMap<string, Tool>,
  ending: EndingStep,
): Promise<Fact[]> {
  const { step, status, input, took, output, usage } = ending;
  if (step.kind === 'thought') {
    if (status !== 'ok') return [];
    const thought = ThoughtOutput.parse(output);
    return [...factsOfThought(step, thought), ...factsOfAnswer(step, thought, usage)];
  }
  if (step.kind === 'system') return []; // it only says what a graph asks for: the calls are told of by themselves
  const invocation: Fact = { type: 'tool_invocation', payload: { tool_name: step.name, arguments: input } };
  if (status !== 'ok' || took === null) return [invocation];
  const { result = {}, turn_end } = ToolOutput.parse(output);
  const facts = registry.get(step.name)?.facts({ agent: step.agent, args: took, result }) ?? [];
  const review = turn_end?.kind === 'reviewed' ? [await reviewOf(db, { step, result, turn_end })] : [];
  return [invocation, ...facts, ...review];
}

function factsOfThought({ agent }: EndingStep['step'], { compaction, images = [] }: ThoughtOutput): Fact[] {
  const attached = images.map(({ path }): Fact => {
    const media = { path, mime_type: fileTypeOf(path).content_type, media_kind: 'image' };
    const shown = { node_name: agent, tool_name: MEDIA_TOOL, attached_media_count: images.length };
    return { type: 'llm_media_attached', payload: { ...media, ...shown } };
  });
  if (!compaction) return attached;
  const message = 'The conversation was too long for the model: older parts of it were shortened.';
  return [{ type: 'conversation_length_exceeded', payload: { ...compaction, message } }, ...attached];
}

type Review = { step: EndingStep['step']; result: JsonObject; turn_end: Extract<TurnEnd, { kind: 'reviewed' }> };

async function reviewOf(db: Kysely<Database>, { step, result, turn_end }: Review): Promise<Fact> {
  const evidence = await readEvidence(db, { episode_id: step.episode_id, before: step.seq });
  const review_path = result['review_path'] ?? null;
  const { decision, reason } = turn_end;
  return {
    type: 'review_decision',
    payload: {
      decision,
      reason,
      review_id: step.id,
      // One file holds the decision and the comments; reports on manufacturing are not made.
      evidence_stats: {
        ...evidence,
        has_mfg_report: false,
        review_decision_path: review_path,
        review_comments_path: review_path,
      },
      checklist: {},
    },
  };
}
