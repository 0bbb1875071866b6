-- What is told to Langfuse and whether it arrived: the outbox as a state machine, feedback, and the audits of coverage.

alter table trace_outbox
  -- What the payload is: a step's span, a failed attempt's, a run line's root, or a score (then span_id is the score's id).
  add column subject text not null default 'step' check (subject in ('step', 'attempt', 'root', 'score')),
  add column attempts integer not null default 0,
  add column sent_at timestamptz,
  add column accepted_at timestamptz,
  add column confirmed_at timestamptz,
  -- When delivery looks at the row again; null is at once.
  add column next_attempt_at timestamptz,
  -- When Langfuse first answered without it since it was sent; null again while Langfuse does not answer.
  add column unseen_since timestamptz,
  add column error text,
  -- The bytes are let go only when Langfuse was seen to hold them.
  add constraint payload_until_confirmed check (payload is not null or state = 'confirmed'),
  add constraint confirmed_has_time check ((state = 'confirmed') = (confirmed_at is not null));
create index trace_outbox_due on trace_outbox (state, next_attempt_at) where state in ('sending', 'accepted');

create table coverage_reports (
  id uuid primary key,
  episode_id uuid not null references episodes on delete cascade,
  verdict text not null check (verdict in ('complete', 'incomplete', 'unverified')),
  checked_at timestamptz not null default clock_timestamp(),
  report jsonb not null
);
create index coverage_reports_episode on coverage_reports (episode_id, checked_at desc);

create table feedback (
  id uuid primary key,
  episode_id uuid not null references episodes on delete cascade,
  step_id uuid references steps on delete cascade,
  name text not null,
  source text not null check (source in ('person', 'automatic')),
  data_type text not null check (data_type in ('NUMERIC', 'BOOLEAN', 'CATEGORICAL')),
  value jsonb not null,
  comment text,
  author text not null,
  created_at timestamptz not null default clock_timestamp()
);
create index feedback_episode on feedback (episode_id, created_at);
create index feedback_step on feedback (step_id) where step_id is not null;

-- Feedback is said, never unsaid: a change of mind is another row.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed', tg_table_name;
end $$;
create trigger feedback_is_append_only before update on feedback for each row execute function refuse_change();
