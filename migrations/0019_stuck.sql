-- What an episode waits for that does not come, as a look at Temporal from outside last saw it; null while it gets on.
alter table episodes add column stuck jsonb;
