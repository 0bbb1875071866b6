import type { Kysely } from 'kysely';
import { readEvidence } from '../../db/read/events.ts';
import type { Database } from '../../schemas/database.ts';
import type { EventType } from '../../schemas/events/registry.ts';
import type { Json, JsonInput, JsonObject } from '../../schemas/primitives.ts';
import { ThoughtOutput, ToolOutput } from '../../schemas/step.ts';
import type { Step, Usage } from '../../schemas/step.ts';
import { fileTypeOf } from '../../storage/content-type.ts';
import { factsOfAnswer } from './answer-event.ts';
import { findPart } from '../../agents/tools/catalogue-parts.ts';

// Which events a step of our own amounts to: the one place where that is said.

/** What an event says, before it has its envelope. */
export type Fact = { type: EventType; payload: JsonObject };

/** A step that ends: what it was asked (as its row keeps it), the arguments as its tool took them, what it came to. */
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

/** A call of a tool that ran to its end, as its events need it. */
type Call = { step: EndingStep['step']; args: JsonObject; result: JsonObject; turn_end: ToolOutput['turn_end'] };

/** So much of a file's beginning tells which one it is. In UTF-16 units. */
const SNIPPET_CHARS = 100;
/** The simulation's failures that say that it could not be simulated well, not that the design is wrong. */
const INSTABILITIES: readonly unknown[] = ['PHYSICS_INSTABILITY', 'STABILITY_ISSUE'];
/** What models are shown comes from this tool's results, between thoughts. */
const MEDIA_TOOL = 'inspect_media';

/** The events of a step, in their order; nothing is in them that the step did not come to. */
export async function factsOf(db: Kysely<Database>, ending: EndingStep): Promise<Fact[]> {
  const { step, status, input, took, output, usage } = ending;
  if (step.kind === 'thought') {
    if (status !== 'ok') return [];
    const thought = ThoughtOutput.parse(output);
    return [...factsOfThought(step, thought), ...factsOfAnswer(step, thought, usage)];
  }
  const invocation: Fact = { type: 'tool_invocation', payload: { tool_name: step.name, arguments: input } };
  if (status !== 'ok' || took === null) return [invocation];
  const { result = {}, turn_end } = ToolOutput.parse(output);
  const call: Call = { step, args: took, result, turn_end };
  const review = turn_end?.kind === 'reviewed' ? [await reviewOf(db, call)] : [];
  return [invocation, ...(FACTS_OF_TOOL[step.name]?.(call) ?? []), ...review];
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

const FACTS_OF_TOOL: Record<string, ((call: Call) => Fact[]) | undefined> = {
  list_files: ({ args }) => [{ type: 'ls_files_tool', payload: pick(args, 'path') }],
  read_file: ({ args }) => [{ type: 'read_file_tool', payload: pick(args, 'path') }],
  grep: ({ args }) => [{ type: 'grep_tool', payload: pick(args, 'pattern', 'path', 'glob') }],
  write_file({ args }) {
    const content_snippet = textOf(args['content']).slice(0, SNIPPET_CHARS);
    return [{ type: 'write_file_tool', payload: { ...pick(args, 'path', 'overwrite'), content_snippet } }];
  },
  edit_file({ args, result }) {
    const num_edits = result['occurrences'] ?? null;
    return [{ type: 'edit_files_tool', payload: { ...pick(args, 'path'), num_edits } }];
  },
  execute_command: ({ args }) => [{ type: 'run_command_tool', payload: pick(args, 'command') }],
  inspect_media({ step, result }) {
    // The tool's result is text and names of pictures; a model that sees is shown them with its next thought.
    const media = {
      ...pick(result, 'path', 'mime_type', 'media_kind'),
      attached_to_model: false,
      attached_media_count: 0,
    };
    const stage = step.agent.endsWith('_reviewer') ? { review_stage: step.agent } : {};
    return [
      { type: 'inspect_media_tool', payload: media },
      { type: 'media_inspection', payload: { ...media, ...stage } },
    ];
  },
  search_cots_catalog({ result }) {
    const found = pick(result, 'query', 'results_count', 'catalog_version', 'cots_query_id', 'catalog_snapshot_id');
    const candidates = listOf(result['candidates']).map((part) => part['part_number'] ?? null);
    return [{ type: 'cots_search', payload: { ...found, candidates, selected_part_ids: [] } }];
  },
  validate_costing_and_price: ({ result }) =>
    listOf(result['parts']).flatMap(({ name }): Fact[] => {
      const part = findPart(textOf(name));
      if (!part) return []; // made, not bought
      const { category, part_number, description: label, price_usd: price, weight_g } = part;
      return [{ type: 'component_usage', payload: { category, part_number, label, price, weight_g } }];
    }),
  simulate: factsOfSimulation,
  submit_engineering_plan({ result }) {
    const files = Array.isArray(result['files']) ? result['files'].map(textOf) : [];
    const plan_path = files.find((path) => path.endsWith('engineering_plan.md')) ?? files[0] ?? '';
    return [{ type: 'plan_submission_engineer', payload: { plan_path } }];
  },
};

function factsOfSimulation({ args, result }: Call): Fact[] {
  const { success = null, failure_reason = null, detail = null, time_s = null } = result;
  const facts: Fact[] = [
    { type: 'simulation_request', payload: { script_path: args['scene_path'] ?? null } },
    {
      type: 'simulation_result',
      payload: {
        success,
        failure_reason,
        ...(success === false && { failure: { reason: failure_reason, detail } }),
        time_elapsed_s: time_s,
        compute_time_ms: result['compute_time_ms'] ?? null,
        simulation_run_id: result['simulation_run'] ?? null,
        metadata: { ...pick(args, 'seed'), ...pick(result, 'robustness', 'trajectory_sha256', 'video_url') },
      },
    },
  ];
  if (INSTABILITIES.includes(failure_reason))
    facts.push({
      type: 'simulation_instability',
      payload: { instability_type: failure_reason, part_ids: [], message: detail },
    });
  return facts;
}

async function reviewOf(db: Kysely<Database>, { step, result, turn_end }: Call): Promise<Fact> {
  const evidence = await readEvidence(db, { episode_id: step.episode_id, before: step.seq });
  const review_path = result['review_path'] ?? null;
  const { decision, reason } = turn_end?.kind === 'reviewed' ? turn_end : { decision: null, reason: null };
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

/** The named members, where there are such. */
const pick = (from: JsonObject, ...names: string[]): JsonObject =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const listOf = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value)
    ? value.filter((one): one is JsonObject => typeof one === 'object' && one !== null && !Array.isArray(one))
    : [];
