-- Who listens is woken by what is committed: triggers say it, so no writer can forget, and no writer asks the server once more for it.
-- Postgres tells a channel the same thing once for each transaction.

create function wake_episode() returns trigger language plpgsql as $$
begin
  perform pg_notify('observatory_episode', new.id::text);
  return null;
end $$;
-- Whatever is added to an episode's stream counts up its row.
create trigger episode_wakes after update on episodes for each row execute function wake_episode();

create function wake_episode_of() returns trigger language plpgsql as $$
begin
  perform pg_notify('observatory_episode', new.episode_id::text);
  return null;
end $$;
create trigger coverage_wakes after insert on coverage_reports for each row execute function wake_episode_of();
create trigger replay_wakes after insert or update on replay_verdicts for each row execute function wake_episode_of();

create function wake_delivery() returns trigger language plpgsql as $$
begin
  perform pg_notify('observatory_outbox', '');
  return null;
end $$;
create trigger outbox_wakes after insert on trace_outbox for each statement execute function wake_delivery();
