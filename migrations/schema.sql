-- Generated from the migrations; see test/integration/db/schema.test.ts.

create table alerts (
  id uuid not null,
  name text not null,
  subject text not null default ''::text,
  message text not null,
  facts jsonb not null default '{}'::jsonb,
  raised_at timestamp with time zone not null default clock_timestamp(),
  last_at timestamp with time zone not null default clock_timestamp(),
  times integer not null default 1,
  told_at timestamp with time zone not null default clock_timestamp(),
  cleared_at timestamp with time zone
);

create table api_keys (
  id uuid not null,
  name text not null,
  role text not null,
  key_sha256 text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  revoked_at timestamp with time zone
);

create table artifacts (
  sha256 text not null,
  size_bytes bigint not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  deleted_at timestamp with time zone
);

create table coverage_reports (
  id uuid not null,
  episode_id uuid not null,
  verdict text not null,
  checked_at timestamp with time zone not null default clock_timestamp(),
  report jsonb not null
);

create table deleted_episodes (
  id uuid not null,
  deleted_at timestamp with time zone not null default clock_timestamp(),
  reason text not null,
  status text not null,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone not null,
  step_count integer not null,
  artifact_count integer not null,
  langfuse text,
  temporal text,
  trace_id text
);

create table deployment (
  only_one boolean not null default true,
  restore_epoch integer not null default 0,
  restored_at timestamp with time zone,
  schedules_held boolean not null default false
);

create table episode_statuses (
  episode_id uuid not null,
  stream_seq bigint not null,
  status text not null,
  terminal_reason text,
  at timestamp with time zone not null default clock_timestamp()
);

create table episodes (
  id uuid not null,
  status text not null default 'queued'::text,
  task text not null,
  inputs jsonb not null default '[]'::jsonb,
  agent text not null,
  model text not null,
  seed integer not null,
  budgets jsonb not null,
  tags text[] not null default '{}'::text[],
  metadata jsonb not null default '{}'::jsonb,
  runs text[] not null default '{}'::text[],
  thread_id text,
  workflow_id text not null,
  run_id text,
  trace_id text not null,
  code_version text,
  created_at timestamp with time zone not null default clock_timestamp(),
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  terminal_reason text,
  failure_class text,
  failure jsonb,
  step_count integer not null default 0,
  attempt_count integer not null default 0,
  artifact_count integer not null default 0,
  log_line_count bigint not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  usd numeric(18,9) default 0,
  last_stream_seq bigint not null default 0,
  idempotency_key text,
  request_sha256 text not null,
  approvals jsonb not null default '{}'::jsonb,
  event_count bigint not null default 0,
  media_deleted_at timestamp with time zone,
  generation_kind text not null default 'original'::text,
  seed_id text,
  seed_dataset text,
  parent_episode_id uuid,
  forked_from_seq integer,
  parent_runs integer,
  opening_message jsonb,
  recorded_until integer,
  recorded_miss jsonb,
  reopened_by text[] not null default '{}'::text[],
  cached_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  stuck jsonb
);

create table events (
  event_id uuid not null,
  episode_id uuid not null,
  stream_seq bigint not null,
  type text not null,
  v integer not null,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null default clock_timestamp(),
  step_id uuid,
  attempt integer,
  agent text,
  producer jsonb not null,
  attributes jsonb not null default '{}'::jsonb,
  payload jsonb not null,
  sanitized boolean not null default false,
  exact_sha256 text,
  content_sha256 text not null
);

create table execution_logs (
  episode_id uuid not null,
  stream_seq bigint not null,
  step_id uuid,
  attempt integer not null default 0,
  line integer not null,
  stream text not null,
  level text not null,
  at timestamp with time zone not null,
  text text not null
);

create table feedback (
  id uuid not null,
  episode_id uuid not null,
  step_id uuid,
  name text not null,
  source text not null,
  data_type text not null,
  value jsonb not null,
  comment text,
  author text not null,
  created_at timestamp with time zone not null default clock_timestamp()
);

create table langfuse_budget (
  server text not null,
  next_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  per_minute integer,
  learned_at timestamp with time zone
);

create table mirror_objects (
  sha256 text not null,
  size_bytes bigint not null,
  etag text not null,
  verified_at timestamp with time zone not null default clock_timestamp(),
  unreferenced_at timestamp with time zone
);

create table person_requests (
  episode_id uuid not null,
  kind text not null,
  key text not null,
  request_sha256 text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  words text,
  heard_at timestamp with time zone
);

create table replay_verdicts (
  episode_id uuid not null,
  run_id text not null,
  build text not null,
  verdict text not null,
  events integer not null,
  workflow_tasks integer not null,
  replayed_tasks integer not null,
  uncovered text,
  mismatch jsonb,
  detail text,
  replayed_at timestamp with time zone not null default clock_timestamp()
);

create table restore_drills (
  id uuid not null,
  point_id uuid,
  status text not null default 'running'::text,
  started_at timestamp with time zone not null default clock_timestamp(),
  ended_at timestamp with time zone,
  rto_seconds double precision,
  checks jsonb not null default '[]'::jsonb
);

create table restore_points (
  id uuid not null,
  status text not null default 'running'::text,
  started_at timestamp with time zone not null default clock_timestamp(),
  snapshot_at timestamp with time zone,
  ended_at timestamp with time zone,
  manifest_sha256 text,
  checks jsonb not null default '[]'::jsonb
);

create table restored_episodes (
  episode_id uuid not null,
  restore_epoch integer not null,
  continued_at timestamp with time zone
);

create table schema_migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now()
);

create table sessions (
  token_sha256 text not null,
  api_key_id uuid not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  expires_at timestamp with time zone not null,
  person text
);

create table sign_in_links (
  token_sha256 text not null,
  api_key_id uuid not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  expires_at timestamp with time zone not null
);

create table step_artifacts (
  step_id uuid not null,
  role text not null,
  path text not null,
  sha256 text not null,
  content_type text not null,
  kind text not null,
  attempt integer not null,
  clock jsonb
);

create table step_attempts (
  step_id uuid not null,
  attempt integer not null,
  status text not null default 'running'::text,
  worker text not null,
  build text not null,
  activity_attempt integer not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  ended_at timestamp with time zone,
  error jsonb,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  usd numeric(18,9) default 0,
  usage_unknown boolean not null default false,
  cached_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  worked_ms bigint,
  next_try_at timestamp with time zone
);

create table steps (
  id uuid not null,
  episode_id uuid not null,
  run_id text not null,
  seq integer not null,
  step_key text not null,
  parent_seq integer,
  kind text not null,
  agent text not null,
  node text not null,
  name text not null,
  status text not null default 'running'::text,
  superseded_by text,
  input jsonb,
  output jsonb,
  error jsonb,
  model text,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  usd numeric(18,9) default 0,
  started_at timestamp with time zone not null default clock_timestamp(),
  ended_at timestamp with time zone,
  activity_id text,
  checkpoint_id text,
  span_id text not null,
  workspace_sha256 text,
  search_text text,
  attempt_count integer not null default 0,
  started_stream_seq bigint not null,
  ended_stream_seq bigint,
  asked_sha256 text,
  served_from uuid,
  cached_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  status_detail text
);

create table trace_outbox (
  span_id text not null,
  trace_id text not null,
  episode_id uuid not null,
  step_id uuid,
  state text not null default 'pending'::text,
  payload text,
  payload_sha256 text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  subject text not null default 'step'::text,
  attempts integer not null default 0,
  sent_at timestamp with time zone,
  accepted_at timestamp with time zone,
  confirmed_at timestamp with time zone,
  next_attempt_at timestamp with time zone,
  unseen_since timestamp with time zone,
  error text
);

create table webhook_messages (
  id uuid not null,
  type text not null,
  body text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default clock_timestamp(),
  delivered_at timestamp with time zone,
  given_up_at timestamp with time zone,
  error text
);

create table workflow_histories (
  episode_id uuid not null,
  run_id text not null,
  sha256 text not null,
  events integer not null,
  workflow_tasks integer not null,
  failed_tasks integer not null,
  closed_by text not null,
  build text not null,
  archived_at timestamp with time zone not null default clock_timestamp()
);

alter table alerts add constraint alerts_pkey PRIMARY KEY (id);

alter table api_keys add constraint api_keys_key_sha256_key UNIQUE (key_sha256);

alter table api_keys add constraint api_keys_pkey PRIMARY KEY (id);

alter table api_keys add constraint api_keys_role_check CHECK ((role = ANY (ARRAY['reader'::text, 'operator'::text])));

alter table artifacts add constraint artifacts_pkey PRIMARY KEY (sha256);

alter table artifacts add constraint artifacts_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text));

alter table artifacts add constraint artifacts_size_bytes_check CHECK ((size_bytes >= 0));

alter table coverage_reports add constraint coverage_reports_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table coverage_reports add constraint coverage_reports_pkey PRIMARY KEY (id);

alter table coverage_reports add constraint coverage_reports_verdict_check CHECK ((verdict = ANY (ARRAY['complete'::text, 'incomplete'::text, 'unverified'::text])));

alter table deleted_episodes add constraint deleted_episodes_langfuse_check CHECK ((langfuse = ANY (ARRAY['forgotten'::text, 'not_configured'::text, 'failed'::text, 'owed'::text])));

alter table deleted_episodes add constraint deleted_episodes_pkey PRIMARY KEY (id);

alter table deleted_episodes add constraint deleted_episodes_reason_check CHECK ((reason = ANY (ARRAY['asked'::text, 'age'::text])));

alter table deleted_episodes add constraint deleted_episodes_temporal_check CHECK ((temporal = ANY (ARRAY['forgotten'::text, 'failed'::text])));

alter table deployment add constraint deployment_only_one_check CHECK (only_one);

alter table deployment add constraint deployment_pkey PRIMARY KEY (only_one);

alter table episode_statuses add constraint episode_statuses_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table episode_statuses add constraint episode_statuses_pkey PRIMARY KEY (episode_id, stream_seq);

alter table episodes add constraint episodes_check CHECK (((ended_at IS NOT NULL) = (status = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text, 'stopped'::text]))));

alter table episodes add constraint episodes_check1 CHECK (((generation_kind = 'original'::text) = (parent_episode_id IS NULL)));

alter table episodes add constraint episodes_check2 CHECK (((parent_episode_id IS NULL) = (forked_from_seq IS NULL)));

alter table episodes add constraint episodes_check3 CHECK (((parent_episode_id IS NULL) = (parent_runs IS NULL)));

alter table episodes add constraint episodes_check4 CHECK (((generation_kind = 'rerun'::text) = (recorded_until IS NOT NULL)));

alter table episodes add constraint episodes_forked_from_seq_check CHECK ((forked_from_seq >= 0));

alter table episodes add constraint episodes_generation_kind_check CHECK ((generation_kind = ANY (ARRAY['original'::text, 'fork'::text, 'rerun'::text])));

alter table episodes add constraint episodes_idempotency_key_key UNIQUE (idempotency_key);

alter table episodes add constraint episodes_parent_episode_id_fkey FOREIGN KEY (parent_episode_id) REFERENCES episodes(id);

alter table episodes add constraint episodes_parent_runs_check CHECK ((parent_runs >= 0));

alter table episodes add constraint episodes_pkey PRIMARY KEY (id);

alter table episodes add constraint episodes_recorded_until_check CHECK ((recorded_until > 0));

alter table episodes add constraint episodes_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'waiting'::text, 'paused'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'stopped'::text])));

alter table episodes add constraint episodes_workflow_id_key UNIQUE (workflow_id);

alter table events add constraint events_attempt_check CHECK ((attempt > 0));

alter table events add constraint events_check CHECK ((sanitized = (exact_sha256 IS NOT NULL)));

alter table events add constraint events_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table events add constraint events_episode_id_stream_seq_key UNIQUE (episode_id, stream_seq);

alter table events add constraint events_exact_sha256_fkey FOREIGN KEY (exact_sha256) REFERENCES artifacts(sha256);

alter table events add constraint events_pkey PRIMARY KEY (event_id);

alter table events add constraint events_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps(id) ON DELETE CASCADE;

alter table events add constraint events_v_check CHECK ((v > 0));

alter table execution_logs add constraint execution_logs_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table execution_logs add constraint execution_logs_level_check CHECK ((level = ANY (ARRAY['debug'::text, 'info'::text, 'warning'::text, 'error'::text])));

alter table execution_logs add constraint execution_logs_pkey PRIMARY KEY (episode_id, stream_seq);

alter table execution_logs add constraint execution_logs_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps(id) ON DELETE CASCADE;

alter table execution_logs add constraint execution_logs_stream_check CHECK ((stream = ANY (ARRAY['stdout'::text, 'stderr'::text, 'agent'::text, 'system'::text])));

alter table feedback add constraint feedback_data_type_check CHECK ((data_type = ANY (ARRAY['NUMERIC'::text, 'BOOLEAN'::text, 'CATEGORICAL'::text])));

alter table feedback add constraint feedback_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table feedback add constraint feedback_pkey PRIMARY KEY (id);

alter table feedback add constraint feedback_source_check CHECK ((source = ANY (ARRAY['person'::text, 'automatic'::text])));

alter table feedback add constraint feedback_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps(id) ON DELETE CASCADE;

alter table langfuse_budget add constraint langfuse_budget_per_minute_check CHECK ((per_minute > 0));

alter table langfuse_budget add constraint langfuse_budget_pkey PRIMARY KEY (server);

alter table mirror_objects add constraint mirror_objects_pkey PRIMARY KEY (sha256);

alter table mirror_objects add constraint mirror_objects_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text));

alter table mirror_objects add constraint mirror_objects_size_bytes_check CHECK ((size_bytes >= 0));

alter table person_requests add constraint person_requests_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table person_requests add constraint person_requests_kind_check CHECK ((kind = ANY (ARRAY['message'::text, 'answer'::text, 'pause'::text])));

alter table person_requests add constraint person_requests_pkey PRIMARY KEY (episode_id, kind, key);

alter table replay_verdicts add constraint replay_verdicts_check CHECK ((replayed_tasks <= workflow_tasks));

alter table replay_verdicts add constraint replay_verdicts_check1 CHECK (((verdict <> 'deterministic'::text) OR ((replayed_tasks = workflow_tasks) AND (workflow_tasks > 0))));

alter table replay_verdicts add constraint replay_verdicts_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table replay_verdicts add constraint replay_verdicts_pkey PRIMARY KEY (episode_id, run_id, build);

alter table replay_verdicts add constraint replay_verdicts_verdict_check CHECK ((verdict = ANY (ARRAY['deterministic'::text, 'nondeterministic'::text, 'unreplayable'::text])));

alter table restore_drills add constraint restore_drills_check CHECK (((status = 'running'::text) = (ended_at IS NULL)));

alter table restore_drills add constraint restore_drills_pkey PRIMARY KEY (id);

alter table restore_drills add constraint restore_drills_status_check CHECK ((status = ANY (ARRAY['running'::text, 'passed'::text, 'failed'::text])));

alter table restore_points add constraint restore_points_check CHECK (((status = 'running'::text) = (ended_at IS NULL)));

alter table restore_points add constraint restore_points_pkey PRIMARY KEY (id);

alter table restore_points add constraint restore_points_status_check CHECK ((status = ANY (ARRAY['running'::text, 'complete'::text, 'incomplete'::text, 'failed'::text])));

alter table restored_episodes add constraint restored_episodes_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table restored_episodes add constraint restored_episodes_pkey PRIMARY KEY (episode_id);

alter table schema_migrations add constraint schema_migrations_pkey PRIMARY KEY (name);

alter table sessions add constraint sessions_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id) ON DELETE CASCADE;

alter table sessions add constraint sessions_pkey PRIMARY KEY (token_sha256);

alter table sign_in_links add constraint sign_in_links_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id) ON DELETE CASCADE;

alter table sign_in_links add constraint sign_in_links_pkey PRIMARY KEY (token_sha256);

alter table step_artifacts add constraint step_artifacts_pkey PRIMARY KEY (step_id, role, path);

alter table step_artifacts add constraint step_artifacts_role_check CHECK ((role = ANY (ARRAY['input'::text, 'output'::text])));

alter table step_artifacts add constraint step_artifacts_sha256_fkey FOREIGN KEY (sha256) REFERENCES artifacts(sha256);

alter table step_artifacts add constraint step_artifacts_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps(id) ON DELETE CASCADE;

alter table step_attempts add constraint step_attempts_attempt_check CHECK ((attempt > 0));

alter table step_attempts add constraint step_attempts_check CHECK (((status = 'running'::text) = (ended_at IS NULL)));

alter table step_attempts add constraint step_attempts_pkey PRIMARY KEY (step_id, attempt);

alter table step_attempts add constraint step_attempts_status_check CHECK ((status = ANY (ARRAY['running'::text, 'ok'::text, 'error'::text, 'cancelled'::text, 'lost'::text])));

alter table step_attempts add constraint step_attempts_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps(id) ON DELETE CASCADE;

alter table step_attempts add constraint step_attempts_worked_ms_check CHECK ((worked_ms >= 0));

alter table steps add constraint ended_step_has_span TRIGGER DEFERRABLE INITIALLY DEFERRED;

alter table steps add constraint steps_asked_sha256_check CHECK ((asked_sha256 ~ '^[0-9a-f]{64}$'::text));

alter table steps add constraint steps_check CHECK (((status = 'running'::text) = (ended_at IS NULL)));

alter table steps add constraint steps_check1 CHECK (((status = 'running'::text) = (ended_stream_seq IS NULL)));

alter table steps add constraint steps_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table steps add constraint steps_episode_id_run_id_seq_key UNIQUE (episode_id, run_id, seq);

alter table steps add constraint steps_kind_check CHECK ((kind = ANY (ARRAY['thought'::text, 'tool_call'::text, 'simulation'::text, 'review'::text, 'human'::text, 'system'::text])));

alter table steps add constraint steps_pkey PRIMARY KEY (id);

alter table steps add constraint steps_search_text_check CHECK ((octet_length(search_text) <= 4096));

alter table steps add constraint steps_seq_check CHECK ((seq > 0));

alter table steps add constraint steps_served_from_fkey FOREIGN KEY (served_from) REFERENCES steps(id) ON DELETE SET NULL;

alter table steps add constraint steps_status_check CHECK ((status = ANY (ARRAY['running'::text, 'ok'::text, 'error'::text, 'cancelled'::text, 'lost'::text])));

alter table steps add constraint steps_workspace_sha256_fkey FOREIGN KEY (workspace_sha256) REFERENCES artifacts(sha256);

alter table trace_outbox add constraint confirmed_has_time CHECK (((state = 'confirmed'::text) = (confirmed_at IS NOT NULL)));

alter table trace_outbox add constraint payload_until_confirmed CHECK (((payload IS NOT NULL) OR (state = 'confirmed'::text)));

alter table trace_outbox add constraint trace_outbox_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table trace_outbox add constraint trace_outbox_pkey PRIMARY KEY (span_id);

alter table trace_outbox add constraint trace_outbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'accepted'::text, 'confirmed'::text, 'parked'::text])));

alter table trace_outbox add constraint trace_outbox_step_id_fkey FOREIGN KEY (step_id) REFERENCES steps(id) ON DELETE CASCADE;

alter table trace_outbox add constraint trace_outbox_subject_check CHECK ((subject = ANY (ARRAY['step'::text, 'attempt'::text, 'root'::text, 'begun'::text, 'score'::text, 'media'::text])));

alter table webhook_messages add constraint webhook_messages_pkey PRIMARY KEY (id);

alter table workflow_histories add constraint workflow_histories_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES episodes(id) ON DELETE CASCADE;

alter table workflow_histories add constraint workflow_histories_events_check CHECK ((events > 0));

alter table workflow_histories add constraint workflow_histories_failed_tasks_check CHECK ((failed_tasks >= 0));

alter table workflow_histories add constraint workflow_histories_pkey PRIMARY KEY (episode_id, run_id);

alter table workflow_histories add constraint workflow_histories_sha256_fkey FOREIGN KEY (sha256) REFERENCES artifacts(sha256);

alter table workflow_histories add constraint workflow_histories_workflow_tasks_check CHECK ((workflow_tasks >= 0));

CREATE UNIQUE INDEX alerts_open ON alerts USING btree (name, subject) WHERE (cleared_at IS NULL);

CREATE INDEX artifacts_deleted ON artifacts USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE INDEX coverage_reports_episode ON coverage_reports USING btree (episode_id, checked_at DESC);

CREATE INDEX deleted_episodes_owed ON deleted_episodes USING btree (deleted_at) WHERE (langfuse = ANY (ARRAY['owed'::text, 'failed'::text]));

CREATE INDEX episodes_agent ON episodes USING btree (agent, id);

CREATE INDEX episodes_created ON episodes USING btree (created_at);

CREATE INDEX episodes_ended ON episodes USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX episodes_inputs ON episodes USING gin (inputs jsonb_path_ops);

CREATE INDEX episodes_model ON episodes USING btree (model, id);

CREATE INDEX episodes_outcome ON episodes USING btree (terminal_reason, id) WHERE (terminal_reason IS NOT NULL);

CREATE INDEX episodes_parent ON episodes USING btree (parent_episode_id) WHERE (parent_episode_id IS NOT NULL);

CREATE INDEX episodes_search ON episodes USING gin (search_words(task, (failure ->> 'message'::text)));

CREATE INDEX episodes_status ON episodes USING btree (status, id);

CREATE INDEX episodes_tags ON episodes USING gin (tags);

CREATE INDEX episodes_trace ON episodes USING btree (trace_id);

CREATE INDEX events_exact ON events USING btree (exact_sha256) WHERE (exact_sha256 IS NOT NULL);

CREATE INDEX events_step ON events USING btree (step_id) WHERE (step_id IS NOT NULL);

CREATE INDEX events_type ON events USING btree (episode_id, type, stream_seq);

CREATE UNIQUE INDEX execution_logs_line ON execution_logs USING btree (step_id, attempt, line);

CREATE INDEX execution_logs_search ON execution_logs USING gin (search_words(text)) WHERE (level = ANY (ARRAY['warning'::text, 'error'::text]));

CREATE INDEX feedback_episode ON feedback USING btree (episode_id, created_at);

CREATE INDEX feedback_step ON feedback USING btree (step_id) WHERE (step_id IS NOT NULL);

CREATE INDEX mirror_objects_verified ON mirror_objects USING btree (verified_at);

CREATE INDEX person_requests_unheard ON person_requests USING btree (episode_id) WHERE ((words IS NOT NULL) AND (heard_at IS NULL));

CREATE INDEX restore_drills_started ON restore_drills USING btree (started_at DESC);

CREATE INDEX restore_points_started ON restore_points USING btree (started_at DESC);

CREATE INDEX sessions_api_key ON sessions USING btree (api_key_id);

CREATE INDEX sessions_expiry ON sessions USING btree (expires_at);

CREATE INDEX sign_in_links_api_key ON sign_in_links USING btree (api_key_id);

CREATE INDEX step_artifacts_sha256 ON step_artifacts USING btree (sha256);

CREATE UNIQUE INDEX steps_current_line ON steps USING btree (episode_id, seq) WHERE (superseded_by IS NULL);

CREATE INDEX steps_ended ON steps USING btree (episode_id, ended_stream_seq) WHERE (ended_stream_seq IS NOT NULL);

CREATE INDEX steps_search ON steps USING gin (search_words(name, search_text, (error ->> 'message'::text)));

CREATE INDEX steps_served_from ON steps USING btree (served_from) WHERE (served_from IS NOT NULL);

CREATE INDEX steps_started ON steps USING btree (episode_id, started_stream_seq);

CREATE INDEX steps_workspace ON steps USING btree (workspace_sha256) WHERE (workspace_sha256 IS NOT NULL);

CREATE INDEX trace_outbox_episode ON trace_outbox USING btree (episode_id);

CREATE INDEX trace_outbox_sent ON trace_outbox USING btree (sent_at) WHERE (sent_at IS NOT NULL);

CREATE INDEX trace_outbox_step ON trace_outbox USING btree (step_id);

CREATE INDEX trace_outbox_waiting ON trace_outbox USING btree (state, created_at, span_id) WHERE (state <> 'confirmed'::text);

CREATE INDEX webhook_messages_due ON webhook_messages USING btree (next_attempt_at) WHERE ((delivered_at IS NULL) AND (given_up_at IS NULL));

CREATE INDEX workflow_histories_sha256 ON workflow_histories USING btree (sha256);

CREATE OR REPLACE FUNCTION public.note_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'UPDATE' then
    -- A status is a place of its own in the stream, whether or not the writer gave one out.
    new.last_stream_seq = greatest(new.last_stream_seq, old.last_stream_seq + 1);
  end if;
  insert into episode_statuses (episode_id, stream_seq, status, terminal_reason)
  values (new.id, new.last_stream_seq, new.status, new.terminal_reason);
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'rows of % are never changed', tg_table_name;
end $function$
;

CREATE OR REPLACE FUNCTION public.require_span()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not exists (select from trace_outbox where span_id = new.span_id) then
    raise exception 'step % of episode % ended without its span', new.seq, new.episode_id;
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.search_query(text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT to_tsquery('simple'::regconfig, string_agg(((''''::text || word.word) || ''':*'::text), ' & '::text)) AS to_tsquery FROM regexp_split_to_table(search_separated($1), '\s+'::text) word(word) WHERE (word.word <> ''::text))
;

CREATE OR REPLACE FUNCTION public.search_separated(text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN translate($1, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~'::text, repeat(' '::text, 32))
;

CREATE OR REPLACE FUNCTION public.search_words(text, text DEFAULT NULL::text, text DEFAULT NULL::text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig, search_separated(((((COALESCE($1, ''::text) || ' '::text) || COALESCE($2, ''::text)) || ' '::text) || COALESCE($3, ''::text))))
;

CREATE OR REPLACE FUNCTION public.wake_delivery()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('observatory_outbox', '');
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.wake_episode()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('observatory_episode', new.id::text);
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.wake_episode_of()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('observatory_episode', new.episode_id::text);
  return null;
end $function$
;

CREATE TRIGGER coverage_wakes AFTER INSERT ON public.coverage_reports FOR EACH ROW EXECUTE FUNCTION wake_episode_of();

CREATE CONSTRAINT TRIGGER ended_step_has_span AFTER UPDATE OF status ON public.steps DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.status <> 'running'::text)) EXECUTE FUNCTION require_span();

CREATE TRIGGER episode_wakes AFTER UPDATE ON public.episodes FOR EACH ROW EXECUTE FUNCTION wake_episode();

CREATE TRIGGER events_are_append_only BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER feedback_is_append_only BEFORE UPDATE ON public.feedback FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER first_status_is_noted AFTER INSERT ON public.episodes FOR EACH ROW EXECUTE FUNCTION note_status();

CREATE TRIGGER outbox_wakes AFTER INSERT ON public.trace_outbox FOR EACH STATEMENT EXECUTE FUNCTION wake_delivery();

CREATE TRIGGER replay_wakes AFTER INSERT OR UPDATE ON public.replay_verdicts FOR EACH ROW EXECUTE FUNCTION wake_episode_of();

CREATE TRIGGER status_is_noted BEFORE UPDATE OF status ON public.episodes FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION note_status();

CREATE STATISTICS execution_logs_words ON search_words(text) FROM execution_logs;
