import type { ColumnType } from 'kysely';
import type { Alert, WebhookType } from './alert.ts';
import type { ApiKeyRole } from './api-key.ts';
import type { Artifact, ArtifactLink } from './artifact.ts';
import type { CoverageReport } from './coverage.ts';
import type { DeletedEpisode, Episode } from './episode.ts';
import type { EventRecord } from './events/record.ts';
import type { LogLine } from './log.ts';
import type { RestoreDrill, RestorePoint } from './restore-point.ts';
import type { Feedback } from './feedback.ts';
import type { ReplayVerdict, WorkflowHistory } from './replay.ts';
import type { Step, StepAttempt } from './step.ts';
import type { StatusChange } from './stream.ts';
import type { OutboxState, OutboxSubject } from './trace.ts';

/** A row shape as kysely's table: `J` are jsonb (written as JSON text, read parsed), `D` are filled in when left out. */
type Table<T, J extends keyof T = never, D extends keyof T = never> = {
  [K in keyof T]: K extends J
    ? ColumnType<T[K], Written<T[K]> | (K extends D ? undefined : never), Written<T[K]>>
    : K extends D
      ? ColumnType<T[K], T[K] | undefined, T[K]>
      : T[K];
};
type Written<T> = string | (null extends T ? null : never);

type EpisodeRow = Episode & {
  runs: string[];
  reopened_by: string[];
  parent_runs: number | null;
  opening_message: { id: string; author: string; text: string } | null;
  idempotency_key: string | null;
  request_sha256: string;
};
type StepRow = Step & { search_text: string | null };
type AttemptRow = StepAttempt & { step_id: string; activity_attempt: number };
type StepArtifactRow = Omit<ArtifactLink, 'size_bytes'> & { step_id: string; attempt: number };
type SpanRow = {
  span_id: string;
  trace_id: string;
  episode_id: string;
  step_id: string | null;
  subject: OutboxSubject;
  state: OutboxState;
  payload: string | null;
  payload_sha256: string;
  created_at: string;
  attempts: number;
  sent_at: string | null;
  accepted_at: string | null;
  confirmed_at: string | null;
  next_attempt_at: string | null;
  unseen_since: string | null;
  error: string | null;
};
type CoverageRow = Pick<CoverageReport, 'id' | 'episode_id' | 'verdict' | 'checked_at'> & {
  report: Omit<CoverageReport, 'id' | 'episode_id' | 'verdict' | 'checked_at'>;
};
type ApiKeyRow = {
  id: string;
  name: string;
  role: ApiKeyRole;
  key_sha256: string;
  created_at: string;
  revoked_at: string | null;
};

type SignInLinkRow = { token_sha256: string; api_key_id: string; created_at: string; expires_at: string };
type SessionRow = SignInLinkRow & { person: string | null };

type PersonRequestRow = {
  episode_id: string;
  kind: 'message' | 'answer' | 'pause';
  key: string;
  request_sha256: string;
  words: string | null;
  heard_at: string | null;
  created_at: string;
};

type WebhookMessageRow = {
  id: string;
  type: WebhookType;
  body: string;
  created_at: string;
  attempts: number;
  next_attempt_at: string;
  delivered_at: string | null;
  given_up_at: string | null;
  error: string | null;
};

type MirrorRow = {
  sha256: string;
  size_bytes: number;
  etag: string;
  verified_at: string;
  unreferenced_at: string | null;
};

/** The one row about this record itself. */
export type DeploymentRow = {
  restore_epoch: number;
  /** When the newest epoch was entered; null where nothing was ever restored. */
  restored_at: string | null;
  /** Whether schedules stay paused until somebody lets them run. */
  schedules_held: boolean;
};
/** An episode that had not ended when the snapshot was taken which this record was restored from. */
type RestoredEpisodeRow = { episode_id: string; restore_epoch: number; continued_at: string | null };

type Sums = 'step_count' | 'attempt_count' | 'artifact_count' | 'log_line_count' | 'event_count' | 'last_stream_seq';
type UsageSums = 'input_tokens' | 'cached_tokens' | 'output_tokens' | 'reasoning_tokens' | 'usd';
type Ancestry =
  | 'generation_kind'
  | 'seed_id'
  | 'seed_dataset'
  | 'parent_episode_id'
  | 'forked_from_seq'
  | 'parent_runs'
  | 'opening_message'
  | 'recorded_until'
  | 'recorded_miss'
  | 'reopened_by';
type Ending = 'stuck' | 'ended_at' | 'terminal_reason' | 'failure_class' | 'failure' | 'media_deleted_at';

/** Every table as kysely sees it; shapes come from the schemas beside this file. */
export type Database = {
  episodes: Table<
    EpisodeRow,
    'inputs' | 'budgets' | 'approvals' | 'metadata' | 'failure' | 'stuck' | 'opening_message' | 'recorded_miss',
    Sums | UsageSums | Ending | Ancestry | 'status' | 'runs' | 'created_at' | 'started_at' | 'run_id' | 'thread_id'
  >;
  steps: Table<
    StepRow,
    'input' | 'output' | 'error',
    | UsageSums
    | 'status'
    | 'status_detail'
    | 'output'
    | 'error'
    | 'superseded_by'
    | 'started_at'
    | 'ended_at'
    | 'workspace_sha256'
    | 'asked_sha256'
    | 'served_from'
    | 'attempt_count'
    | 'ended_stream_seq'
    | 'search_text'
  >;
  step_attempts: Table<
    AttemptRow,
    'error',
    UsageSums | 'status' | 'error' | 'started_at' | 'ended_at' | 'usage_unknown' | 'worked_ms' | 'next_try_at'
  >;
  step_artifacts: Table<StepArtifactRow, 'clock'>;
  episode_statuses: Table<StatusChange & { episode_id: string }, never, 'at'>;
  artifacts: Table<Artifact & { deleted_at: string | null }, never, 'created_at' | 'deleted_at'>;
  execution_logs: Table<LogLine & { episode_id: string }>;
  events: Table<EventRecord & { content_sha256: string }, 'producer' | 'attributes' | 'payload', 'received_at'>;
  trace_outbox: Table<
    SpanRow,
    never,
    | 'subject'
    | 'state'
    | 'created_at'
    | 'attempts'
    | 'sent_at'
    | 'accepted_at'
    | 'confirmed_at'
    | 'next_attempt_at'
    | 'unseen_since'
    | 'error'
  >;
  coverage_reports: Table<CoverageRow, 'report', 'checked_at'>;
  workflow_histories: Table<WorkflowHistory, never, 'archived_at'>;
  replay_verdicts: Table<ReplayVerdict, 'mismatch', 'replayed_at'>;
  alerts: Table<Alert & { told_at: string }, 'facts', Exclude<keyof Alert, 'id' | 'name' | 'message'> | 'told_at'>;
  webhook_messages: Table<WebhookMessageRow, never, Exclude<keyof WebhookMessageRow, 'id' | 'type' | 'body'>>;
  feedback: Table<Feedback, 'value', 'created_at'>;
  api_keys: Table<ApiKeyRow, never, 'created_at' | 'revoked_at'>;
  sessions: Table<SessionRow, never, 'created_at'>;
  sign_in_links: Table<SignInLinkRow, never, 'created_at'>;
  person_requests: Table<PersonRequestRow, never, 'created_at' | 'heard_at'>;
  restore_points: Table<RestorePoint, 'checks', Exclude<keyof RestorePoint, 'id'>>;
  restore_drills: Table<RestoreDrill, 'checks', Exclude<keyof RestoreDrill, 'id'>>;
  deployment: Table<DeploymentRow, never, keyof DeploymentRow>;
  restored_episodes: Table<RestoredEpisodeRow, never, 'continued_at'>;
  deleted_episodes: Table<DeletedEpisode, never, 'deleted_at' | 'langfuse' | 'temporal' | 'trace_id'>;
  mirror_objects: Table<MirrorRow, never, 'verified_at' | 'unreferenced_at'>;
};
