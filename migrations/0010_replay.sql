-- The history of every run that has closed, kept when Temporal lets go of it, and what replaying it against the workflow
-- code of a build came to.

create table workflow_histories (
  episode_id uuid not null references episodes on delete cascade,
  run_id text not null,
  -- The encoded history, as Temporal's own tools write it.
  sha256 text not null references artifacts,
  events integer not null check (events > 0),
  -- Tasks of the workflow: those that completed, and those that failed or timed out and were tried again.
  workflow_tasks integer not null check (workflow_tasks >= 0),
  failed_tasks integer not null check (failed_tasks >= 0),
  -- The event that closed the run, such as WorkflowExecutionCompleted.
  closed_by text not null,
  -- The build that archived it.
  build text not null,
  archived_at timestamptz not null default clock_timestamp(),
  primary key (episode_id, run_id)
);
create index workflow_histories_sha256 on workflow_histories (sha256);

-- One verdict for each run and build: replaying again overwrites it, since an open run has grown meanwhile.
create table replay_verdicts (
  episode_id uuid not null references episodes on delete cascade,
  run_id text not null,
  build text not null,
  verdict text not null check (verdict in ('deterministic', 'nondeterministic', 'unreplayable')),
  events integer not null,
  workflow_tasks integer not null,
  replayed_tasks integer not null check (replayed_tasks <= workflow_tasks),
  -- What the verdict does not speak of: an unfinished last task.
  uncovered text,
  -- Where history and code part: the event, what history holds there, and what the code wants instead.
  mismatch jsonb,
  detail text,
  replayed_at timestamptz not null default clock_timestamp(),
  primary key (episode_id, run_id, build),
  check (verdict <> 'deterministic' or (replayed_tasks = workflow_tasks and workflow_tasks > 0))
);
