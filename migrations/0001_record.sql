-- The record of truth: episodes, their steps, each try at a step, the files it read and made, its log lines, and the span
-- that tells Langfuse of it. Where an invariant can hold in the database, it does.

create table episodes (
  id uuid primary key,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled', 'stopped')),
  task text not null,
  inputs jsonb not null default '[]',
  agent text not null,
  model text not null,
  seed integer not null,
  budgets jsonb not null,
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  -- The Temporal runs that have recorded steps, oldest first: only the last may begin one.
  runs text[] not null default '{}',
  thread_id text,
  workflow_id text not null unique,
  run_id text,
  trace_id text not null,
  code_version text,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  terminal_reason text,
  failure_class text,
  failure jsonb,
  step_count integer not null default 0,
  attempt_count integer not null default 0,
  artifact_count integer not null default 0,
  log_line_count bigint not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  usd numeric(18, 9) not null default 0,
  -- The last number given out in this episode's stream; allocated under this row's lock, so that readers never miss one.
  last_stream_seq bigint not null default 0,
  idempotency_key text unique,
  request_sha256 text not null,
  check ((ended_at is not null) = (status in ('completed', 'failed', 'cancelled', 'stopped')))
);
create index episodes_status on episodes (status, id);

create table artifacts (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes >= 0),
  created_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz
);

create table steps (
  id uuid primary key,
  episode_id uuid not null references episodes on delete cascade,
  run_id text not null,
  seq integer not null check (seq > 0),
  step_key text not null,
  parent_seq integer,
  kind text not null check (kind in ('thought', 'tool_call', 'simulation', 'review', 'human', 'system')),
  agent text not null,
  node text not null,
  name text not null,
  status text not null default 'running' check (status in ('running', 'ok', 'error', 'cancelled', 'lost')),
  -- The run that took the line over (a reset): this step is history, no longer part of the episode's current line.
  superseded_by text,
  input jsonb,
  output jsonb,
  error jsonb,
  model text,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  usd numeric(18, 9) not null default 0,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  activity_id text,
  checkpoint_id text,
  span_id text not null,
  workspace_sha256 text references artifacts,
  search_text text check (octet_length(search_text) <= 4096),
  attempt_count integer not null default 0,
  started_stream_seq bigint not null,
  ended_stream_seq bigint,
  unique (episode_id, run_id, seq),
  check ((status = 'running') = (ended_at is null)),
  check ((status = 'running') = (ended_stream_seq is null))
);
create unique index steps_current_line on steps (episode_id, seq) where superseded_by is null;
create index steps_workspace on steps (workspace_sha256) where workspace_sha256 is not null;

create table step_attempts (
  step_id uuid not null references steps on delete cascade,
  attempt integer not null check (attempt > 0),
  status text not null default 'running' check (status in ('running', 'ok', 'error', 'cancelled', 'lost')),
  worker text not null,
  build text not null,
  activity_attempt integer not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  error jsonb,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  usd numeric(18, 9) not null default 0,
  usage_unknown boolean not null default false,
  primary key (step_id, attempt),
  check ((status = 'running') = (ended_at is null))
);

create table step_artifacts (
  step_id uuid not null references steps on delete cascade,
  role text not null check (role in ('input', 'output')),
  path text not null,
  sha256 text not null references artifacts,
  content_type text not null,
  kind text not null,
  attempt integer not null,
  clock jsonb,
  primary key (step_id, role, path)
);
create index step_artifacts_sha256 on step_artifacts (sha256);

create table execution_logs (
  episode_id uuid not null references episodes on delete cascade,
  stream_seq bigint not null,
  step_id uuid references steps on delete cascade,
  attempt integer not null default 0,
  line integer not null,
  stream text not null check (stream in ('stdout', 'stderr', 'agent', 'system')),
  level text not null check (level in ('debug', 'info', 'warning', 'error')),
  at timestamptz not null,
  text text not null,
  primary key (episode_id, stream_seq)
);
-- A batch whose commit was not acknowledged is sent again: the same line is the same row. It also serves a step's log.
create unique index execution_logs_line on execution_logs (step_id, attempt, line);

create table trace_outbox (
  span_id text primary key,
  trace_id text not null,
  episode_id uuid not null references episodes on delete cascade,
  step_id uuid references steps on delete cascade,
  state text not null default 'pending' check (state in ('pending', 'sending', 'accepted', 'confirmed', 'parked')),
  -- Frozen when the step ends; nulled when Langfuse is known to hold it. The hash stays.
  payload text,
  payload_sha256 text not null,
  created_at timestamptz not null default clock_timestamp()
);
create index trace_outbox_episode on trace_outbox (episode_id);
create index trace_outbox_step on trace_outbox (step_id);
create index trace_outbox_undelivered on trace_outbox (created_at) where state <> 'confirmed';

create table api_keys (
  id uuid primary key,
  name text not null,
  role text not null check (role in ('reader', 'operator')),
  key_sha256 text not null unique,
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz
);

-- A step cannot end without the span that makes it visible.
create function require_span() returns trigger language plpgsql as $$
begin
  if not exists (select from trace_outbox where span_id = new.span_id) then
    raise exception 'step % of episode % ended without its span', new.seq, new.episode_id;
  end if;
  return null;
end $$;
create constraint trigger ended_step_has_span after update of status on steps
  deferrable initially deferred
  for each row when (new.status <> 'running') execute function require_span();
