import { z } from 'zod';
import { boundedText, Count, JsonObject, Sha256, Timestamp, Uuid } from './primitives.ts';

/** The status of an episode. The last four are final. */
export const EpisodeStatus = z.enum([
  'queued',
  'running',
  'waiting',
  'paused',
  'completed',
  'failed',
  'cancelled',
  'stopped',
]);
export type EpisodeStatus = z.infer<typeof EpisodeStatus>;

/** The statuses that an episode never leaves. */
export const FINAL_STATUSES = ['completed', 'failed', 'cancelled', 'stopped'] as const satisfies EpisodeStatus[];
/** Whether an episode is in a status that it leaves only by a reset. */
export const hasEnded = (status: EpisodeStatus): boolean => FINAL_STATUSES.some((final) => final === status);

/** Why an episode ended. */
export const TerminalReason = z.enum([
  'APPROVED',
  /** A graph of one's own came to its end. */
  'COMPLETED',
  'REJECTED_BY_REVIEW',
  'HANDOFF_INVARIANT_VIOLATION',
  'OUT_OF_TURN_BUDGET',
  'OUT_OF_TOKEN_BUDGET',
  'OUT_OF_COST_BUDGET',
  'TIMEOUT',
  'INTERNAL_ERROR',
  'SYSTEM_TOOL_RETRY_EXHAUSTED',
  'INFRA_ERROR',
  'USER_CANCELLED',
  /** Somebody ended its workflow with Temporal's own tools. */
  'TERMINATED',
  /** Temporal has its workflow no more, or closed it without a word to the record. */
  'WORKFLOW_LOST',
  'MODEL_OUTPUT_CUT',
  'MODEL_OUTPUT_FILTERED',
  'MODEL_REFUSED',
  'MODEL_OUTPUT_EMPTY',
  'MODEL_OUTPUT_MALFORMED',
  'MODEL_ENDPOINT_REFUSED',
  'MODEL_ENDPOINT_FAILED',
  'MODEL_ENDPOINT_UNAVAILABLE',
  /** A graph of one's own asked a model or called a tool behind the record's back. */
  'UNRECORDED_CALL',
]);
export type TerminalReason = z.infer<typeof TerminalReason>;

/** Whose fault a failure was; `MODEL_ENDPOINT`: the language model's, its endpoint's, or that of how it is configured. */
export const FailureClass = z.enum([
  'AGENT_QUALITY',
  'AGENT_SEMANTIC',
  'APPLICATION_LOGIC',
  'INFRA_DEVOPS',
  'MODEL_ENDPOINT',
]);
export type FailureClass = z.infer<typeof FailureClass>;

const UsdBudget = z.number().positive().max(100_000);
/** What an episode may cost unless somebody says otherwise. */
const USD_DEFAULT = 50;

/**
 * Bounds that end an episode as `stopped`: recorded steps, tokens in and out, US dollars (null: as many as it takes, for models
 * whose price nobody said), seconds of its steps' work and of waiting for their models.
 */
export const Budgets = z.strictObject({
  steps: z.number().int().min(1).max(10_000).default(500),
  tokens: z.number().int().min(1).max(1_000_000_000).default(5_000_000),
  usd: UsdBudget.nullable().default(USD_DEFAULT),
  wall_s: z.number().int().min(1).max(2_592_000).default(86_400),
});
export type Budgets = z.infer<typeof Budgets>;

/** Bounds as they are asked for. US dollars left out: the usual bound, or none where nobody said what the model costs. */
export const AskedBudgets = Budgets.extend({ usd: UsdBudget.nullable().optional() });
type AskedBudgets = z.infer<typeof AskedBudgets>;

/** The bounds of an episode that asked for these; `priced`: whether it is known what its model costs. */
export const budgetsOf = ({ usd, ...asked }: AskedBudgets, priced: boolean): Budgets => ({
  ...asked,
  usd: usd === undefined ? (priced ? USD_DEFAULT : null) : usd,
});

/** A file that lies in the workspace when the episode begins: an absolute, normalised path there, and which artifact. */
export const EpisodeInput = z.strictObject({
  path: z
    .string()
    .max(1_024)
    .regex(/^(\/(?!\.{1,2}(\/|$))[^/\u0000]+)+$/, 'must be an absolute path without "." or "..", such as /scene.xml'),
  sha256: Sha256,
});
export type EpisodeInput = z.infer<typeof EpisodeInput>;

/** Whether a tool's calls run at once, are refused, or wait for a person. Tools that are not named run at once. */
export const Approvals = z.record(boundedText(1, 100), z.enum(['always', 'never', 'ask']));
export type Approvals = z.infer<typeof Approvals>;

/** What starts an episode: the body of `POST /v1/episodes`. */
export const StartEpisode = z.strictObject({
  task: boundedText(1, 20_000),
  inputs: z.array(EpisodeInput).max(1_000).default([]),
  agent: boundedText(1, 100).default('mechanism_engineer'),
  model: boundedText(1, 200).default('scripted'),
  seed: z.number().int().min(0).max(2_147_483_647).default(0),
  budgets: Budgets.prefault({}),
  approvals: Approvals.default({}),
  tags: z.array(boundedText(1, 100)).max(50).default([]),
  metadata: JsonObject.default({}),
  /** Which task of which data set the episode was made from. */
  seed_id: boundedText(1, 200).optional(),
  seed_dataset: boundedText(1, 200).optional(),
});
export type StartEpisode = z.infer<typeof StartEpisode>;

/** What went wrong, as shown to people: a code of the error table and a sentence. */
export const Failure = z.object({ code: z.string(), message: z.string() });
export type Failure = z.infer<typeof Failure>;

/** What an episode waits for that does not come: since when, which try is due, and why the last one failed or none began. */
export const Stuck = z.object({ waits_for: z.string(), since: Timestamp, attempt: Count, because: z.string() });
export type Stuck = z.infer<typeof Stuck>;

/** Whether an episode began by itself, goes on from a step of another, or runs another again with its recorded answers. */
export const GenerationKind = z.enum(['original', 'fork', 'rerun']);
export type GenerationKind = z.infer<typeof GenerationKind>;

/** The first step of a re-run that was asked something else than the recorded one; from it on the answers are live. */
const RecordedMiss = z.object({ seq: Count, reason: z.string() });
type RecordedMiss = z.infer<typeof RecordedMiss>;

/** An episode as recorded: what was asked, its status, and sums over its steps. Tokens are counts, `usd` is US dollars. */
export const Episode = z.object({
  id: Uuid,
  status: EpisodeStatus,
  task: z.string(),
  inputs: z.array(EpisodeInput),
  agent: z.string(),
  model: z.string(),
  seed: Count,
  budgets: Budgets,
  approvals: Approvals,
  tags: z.array(z.string()),
  metadata: JsonObject,
  workflow_id: z.string(),
  run_id: z.string().nullable(),
  thread_id: z.string().nullable(),
  trace_id: z.string(),
  code_version: z.string().nullable(),
  generation_kind: GenerationKind,
  seed_id: z.string().nullable(),
  seed_dataset: z.string().nullable(),
  /** The episode that this one goes on from or runs again; its steps up to `forked_from_seq` are this one's too. */
  parent_episode_id: Uuid.nullable(),
  forked_from_seq: Count.nullable(),
  /** A re-run's answers are the parent's recorded ones up to this step, or to `recorded_miss`. */
  recorded_until: Count.nullable(),
  recorded_miss: RecordedMiss.nullable(),
  created_at: Timestamp,
  started_at: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
  terminal_reason: TerminalReason.nullable(),
  failure_class: FailureClass.nullable(),
  failure: Failure.nullable(),
  /** What it waits for that does not come, as Temporal was last seen from outside; null while it gets on. */
  stuck: Stuck.nullable(),
  step_count: Count,
  attempt_count: Count,
  artifact_count: Count,
  log_line_count: Count,
  event_count: Count,
  input_tokens: Count,
  cached_tokens: Count,
  output_tokens: Count,
  reasoning_tokens: Count,
  /** null where some of its thoughts are of a model whose price nobody said. */
  usd: z.number().min(0).nullable(),
  last_stream_seq: Count,
  /** Since when its log lines and videos are gone, by the deployment's policy; null while they are kept. */
  media_deleted_at: Timestamp.nullable(),
});
export type Episode = z.infer<typeof Episode>;

/** All that stays of an episode that was deleted, and what came of asking Langfuse and Temporal to forget it too. */
export type DeletedEpisode = {
  id: string;
  deleted_at: string;
  reason: 'asked' | 'age';
  status: EpisodeStatus;
  created_at: string;
  ended_at: string;
  step_count: number;
  artifact_count: number;
  /** `owed`: it has not been asked yet, and will be; `failed` was so before anything was owed, and is asked again as well. */
  langfuse: 'forgotten' | 'not_configured' | 'failed' | 'owed' | null;
  /** Null of what was deleted before deletions were owed. */
  trace_id: string | null;
  temporal: 'forgotten' | 'failed' | null;
};
