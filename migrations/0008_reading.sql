-- What readers need: the episode's stream, search, lists by filter, statistics, lineage, and sessions of the page.

-- When an episode took each status, at its place in the episode's stream. A trigger keeps it, so no writer can forget.
create table episode_statuses (
  episode_id uuid not null references episodes on delete cascade,
  stream_seq bigint not null,
  status text not null,
  terminal_reason text,
  at timestamptz not null default clock_timestamp(),
  primary key (episode_id, stream_seq)
);
insert into episode_statuses (episode_id, stream_seq, status, at) select id, 0, 'queued', created_at from episodes;
insert into episode_statuses (episode_id, stream_seq, status, terminal_reason, at)
  select id, last_stream_seq, status, terminal_reason, ended_at from episodes where ended_at is not null and last_stream_seq > 0;

create function note_status() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    -- A status is a place of its own in the stream, whether or not the writer gave one out.
    new.last_stream_seq = greatest(new.last_stream_seq, old.last_stream_seq + 1);
  end if;
  insert into episode_statuses (episode_id, stream_seq, status, terminal_reason)
  values (new.id, new.last_stream_seq, new.status, new.terminal_reason);
  return new;
end $$;
create trigger status_is_noted before update of status on episodes
  for each row when (old.status is distinct from new.status) execute function note_status();
create trigger first_status_is_noted after insert on episodes for each row execute function note_status();

create index steps_started on steps (episode_id, started_stream_seq);
create index steps_ended on steps (episode_id, ended_stream_seq) where ended_stream_seq is not null;

-- Lists by filter, newest first.
create index episodes_agent on episodes (agent, id);
create index episodes_model on episodes (model, id);
create index episodes_outcome on episodes (terminal_reason, id) where terminal_reason is not null;
create index episodes_created on episodes (created_at);
create index episodes_tags on episodes using gin (tags);
-- Which episodes began with an artifact.
create index episodes_inputs on episodes using gin (inputs jsonb_path_ops);

-- Search by words and their beginnings, of what is text, code, paths and numbers alike: ASCII punctuation separates words.
-- Core Postgres alone, so that every deployment finds the same.
create function search_separated(text) returns text language sql immutable parallel safe
  return translate($1, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32));
create function search_words(text, text default null, text default null) returns tsvector language sql immutable parallel safe
  return to_tsvector('simple', search_separated(coalesce($1, '') || ' ' || coalesce($2, '') || ' ' || coalesce($3, '')));
-- Every word of the text must begin a word; null, which matches nothing, where the text holds none.
create function search_query(text) returns tsquery language sql immutable parallel safe
  return (select to_tsquery('simple', string_agg('''' || word || ''':*', ' & '))
    from regexp_split_to_table(search_separated($1), '\s+') as word where word <> '');
create index episodes_search on episodes using gin (search_words(task, failure->>'message'));
create index steps_search on steps using gin (search_words(name, search_text, error->>'message'));
-- Warnings and errors alone: an index over every log line would cut intake to a ninth.
create index execution_logs_search on execution_logs using gin (search_words(text)) where level in ('warning', 'error');

-- The page's sessions: a cookie stands for the key that it was made with, until it expires, is ended, or the key is revoked.
create table sessions (
  token_sha256 text primary key,
  api_key_id uuid not null references api_keys on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index sessions_api_key on sessions (api_key_id);
create index sessions_expiry on sessions (expires_at);
