-- What happened, as typed events: those of our own steps, and those that producers outside report. Only ever appended.
create table events (
  event_id uuid primary key,
  episode_id uuid not null references episodes on delete cascade,
  stream_seq bigint not null,
  type text not null,
  v integer not null check (v > 0),
  occurred_at timestamptz not null,
  received_at timestamptz not null default clock_timestamp(),
  step_id uuid references steps on delete cascade,
  attempt integer check (attempt > 0),
  agent text,
  producer jsonb not null,
  attributes jsonb not null default '{}',
  payload jsonb not null,
  -- The bytes as they came, where the row cannot hold all of them.
  sanitized boolean not null default false,
  exact_sha256 text references artifacts,
  -- Tells the same event, sent again, from another under its id.
  content_sha256 text not null,
  unique (episode_id, stream_seq),
  check (sanitized = (exact_sha256 is not null))
);
create index events_type on events (episode_id, type, stream_seq);
create index events_step on events (step_id) where step_id is not null;
create index events_exact on events (exact_sha256) where exact_sha256 is not null;

create trigger events_are_append_only before update on events for each row execute function refuse_change();

alter table episodes add column event_count bigint not null default 0;
