-- After a restore: which episodes are still to be carried on, and that schedules wait until somebody lets them run.
-- Giving up: what is deleted leaves a tombstone, and what an old episode has let go of is said on it.

alter table deployment
  -- When the newest epoch was entered; null where nothing was ever restored.
  add column restored_at timestamptz,
  -- Schedules stay paused after a restore until somebody says otherwise.
  add column schedules_held boolean not null default false;

-- The episodes that had not ended in the snapshot: each gets a new run, once.
create table restored_episodes (
  episode_id uuid primary key references episodes on delete cascade,
  restore_epoch integer not null,
  continued_at timestamptz
);

-- All that stays of an episode that was deleted.
create table deleted_episodes (
  id uuid primary key,
  deleted_at timestamptz not null default clock_timestamp(),
  reason text not null check (reason in ('asked', 'age')),
  status text not null,
  created_at timestamptz not null,
  ended_at timestamptz not null,
  step_count integer not null,
  artifact_count integer not null,
  -- What came of asking others to forget it too: null while nobody was asked.
  langfuse text check (langfuse in ('forgotten', 'not_configured', 'failed')),
  temporal text check (temporal in ('forgotten', 'failed'))
);

-- Since when an old episode has its log lines and videos no more.
alter table episodes add column media_deleted_at timestamptz;

create index episodes_ended on episodes (ended_at) where ended_at is not null;
create index artifacts_deleted on artifacts (deleted_at) where deleted_at is not null;
