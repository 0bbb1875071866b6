-- The root span of an episode that has begun: the same span with its end comes in its place.
alter table trace_outbox drop constraint trace_outbox_subject_check;
alter table trace_outbox add constraint trace_outbox_subject_check
  check (subject in ('step', 'attempt', 'root', 'begun', 'score', 'media'));

-- What Langfuse still has to be asked to delete is owed: it is asked for many traces at once, until it has heard.
alter table deleted_episodes add column trace_id text;
alter table deleted_episodes drop constraint deleted_episodes_langfuse_check;
alter table deleted_episodes add constraint deleted_episodes_langfuse_check
  check (langfuse in ('forgotten', 'not_configured', 'failed', 'owed'));
create index deleted_episodes_owed on deleted_episodes (deleted_at) where langfuse in ('owed', 'failed');
