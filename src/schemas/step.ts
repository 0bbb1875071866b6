import { z } from 'zod';
import { Failure } from './episode.ts';
import { Count, Json, Sha256, Timestamp, Uuid } from './primitives.ts';
import { AnswerFacts, SentBack, ThoughtEnd } from './thought.ts';

/** What a step was: a model's thought, a tool's call, a simulation, a reviewer's decision, a person's word, or the system's own. */
export const StepKind = z.enum(['thought', 'tool_call', 'simulation', 'review', 'human', 'system']);
export type StepKind = z.infer<typeof StepKind>;

/** The status of a step. It leaves `running` once, in one transaction with its attempt, its artifact links and its span. */
const StepStatus = z.enum(['running', 'ok', 'error', 'cancelled', 'lost']);
type StepStatus = z.infer<typeof StepStatus>;

/** Who a step is. The workflow numbers steps before it schedules them, so the number is the same on replay and retry. */
export const StepIdentity = z.object({
  episode_id: Uuid,
  run_id: z.string(),
  seq: z.number().int().min(1),
  /** The thought that asked for this call; null for a thought. */
  parent_seq: z.number().int().min(1).nullable(),
  /** The record's epoch in which its run began; left out for 0, before anything was restored. */
  restore_epoch: z.number().int().min(1).optional(),
});
export type StepIdentity = z.infer<typeof StepIdentity>;

/**
 * Tokens and US dollars that a model call consumed: `cached_tokens` are among the input's, `reasoning_tokens` among the
 * output's. `usd` is null where nobody said what the model costs.
 */
export const Usage = z.object({
  input_tokens: Count,
  cached_tokens: Count.default(0),
  output_tokens: Count,
  reasoning_tokens: Count.default(0),
  usd: z.number().min(0).nullable(),
});
export type Usage = z.infer<typeof Usage>;

/** What was used where no model was asked. */
export const NO_USAGE = {
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  usd: 0,
} as const satisfies Usage;

/**
 * A call that a model asks for. `args` are what the model wrote, not yet checked against the tool's schema; where that is
 * no JSON object they are empty, and `malformed` holds its beginning.
 */
export const ToolCall = z.object({
  id: z.string(),
  name: z.string(),
  args: z.record(z.string(), Json),
  malformed: z.string().optional(),
});
export type ToolCall = z.infer<typeof ToolCall>;

/** How a conversation was shortened before it was thought about. Lengths are characters (UTF-16 units) of text. */
export const Compaction = z.object({
  previous_length: Count,
  compacted_length: Count,
  threshold: Count,
  compaction_strategy: z.string(),
});
export type Compaction = z.infer<typeof Compaction>;

/** A picture that a model was shown: the file, and which artifact it is. */
export const SeenImage = z.object({ path: z.string(), sha256: Sha256 });
export type SeenImage = z.infer<typeof SeenImage>;

/** What a thought's row holds: the model's words, the calls it asks for, and what is to be known of how it came about. */
export const ThoughtOutput = z.object({
  text: z.string(),
  tool_calls: z.array(ToolCall),
  compaction: Compaction.optional(),
  /** The pictures in the conversation that the model saw. */
  images: z.array(SeenImage).optional(),
  /** The model's reasoning before its answer, where the endpoint returns it. */
  reasoning: z.string().optional(),
  /** In which words the model refused. */
  refusal: z.string().optional(),
  /** How the answer ended, where it is not complete. */
  end: ThoughtEnd.optional(),
  answer: AnswerFacts.optional(),
  back: SentBack.optional().catch(undefined),
});
export type ThoughtOutput = z.infer<typeof ThoughtOutput>;

/** How a turn ended, where a tool ended it: handed on with a summary, or judged with a decision. */
export const TurnEnd = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('submitted'), summary: z.string() }),
  z.object({ kind: z.literal('reviewed'), decision: z.enum(['APPROVED', 'REJECTED']), reason: z.string() }),
]);
export type TurnEnd = z.infer<typeof TurnEnd>;

/** What a tool call's row holds: the text that the model is shown, and structured facts for people and programs. */
export const ToolOutput = z.object({
  content: z.string(),
  result: z.record(z.string(), Json).optional(),
  turn_end: TurnEnd.optional(),
});
export type ToolOutput = z.infer<typeof ToolOutput>;

/** A step as recorded. `input` and `output` are small JSON; where they were large, `{ "$artifact": sha256, … }` takes their place. */
export const Step = z.object({
  id: Uuid,
  episode_id: Uuid,
  run_id: z.string(),
  seq: Count,
  step_key: z.string(),
  parent_seq: Count.nullable(),
  kind: StepKind,
  agent: z.string(),
  node: z.string(),
  name: z.string(),
  status: StepStatus,
  /** How it ended, where the status does not say it: a model's answer that was cut, filtered, refused, empty or malformed. */
  status_detail: z.string().nullable(),
  superseded_by: z.string().nullable(),
  input: Json.nullable(),
  output: Json.nullable(),
  error: Failure.nullable(),
  model: z.string().nullable(),
  input_tokens: Count,
  cached_tokens: Count,
  output_tokens: Count,
  reasoning_tokens: Count,
  /** null where nobody said what the model costs. */
  usd: z.number().min(0).nullable(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  activity_id: z.string().nullable(),
  checkpoint_id: z.string().nullable(),
  span_id: z.string(),
  workspace_sha256: Sha256.nullable(),
  /** What the model or tool was asked, hashed: equal questions have equal hashes. null where nothing was. */
  asked_sha256: Sha256.nullable(),
  /** The step whose recorded answer this one took instead of asking; null where it asked. */
  served_from: Uuid.nullable(),
  attempt_count: Count,
  started_stream_seq: Count,
  ended_stream_seq: Count.nullable(),
});
export type Step = z.infer<typeof Step>;

/** One try at a step. `lost` is one that died before it could say how it ended; what it used is then unknown. */
export const StepAttempt = z.object({
  attempt: z.number().int().min(1),
  status: StepStatus,
  worker: z.string(),
  build: z.string(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  error: Failure.nullable(),
  input_tokens: Count,
  cached_tokens: Count,
  output_tokens: Count,
  reasoning_tokens: Count,
  usd: z.number().min(0).nullable(),
  usage_unknown: z.boolean(),
  /** How long it worked; null where it died, or is from before this was measured. */
  worked_ms: Count.nullable(),
  /** When the next try is made, where a model's endpoint is waited for. */
  next_try_at: Timestamp.nullable(),
});
export type StepAttempt = z.infer<typeof StepAttempt>;

/** A step between two tries: what it waits for, in the words of the last one, and when it tries again. */
export const Waiting = z.object({
  episode_id: Uuid,
  seq: Count,
  model: z.string().nullable(),
  attempt: z.number().int().min(1),
  reason: z.string(),
  /** Since when the step has not ended. */
  since: Timestamp,
  next_try_at: Timestamp,
});
export type Waiting = z.infer<typeof Waiting>;
