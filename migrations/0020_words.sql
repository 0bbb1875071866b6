-- What people say to a running episode, written before Temporal hears of it: histories refer to these rows and hold no words.

alter table person_requests
  -- null where an older build sent the words to the workflow itself.
  add column words text,
  -- When a run of the episode read them; null until then.
  add column heard_at timestamptz,
  drop constraint person_requests_kind_check,
  add constraint person_requests_kind_check check (kind in ('message', 'answer', 'pause'));
create index person_requests_unheard on person_requests (episode_id) where words is not null and heard_at is null;
