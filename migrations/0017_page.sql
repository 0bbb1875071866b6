-- What the page needs: links that sign a browser in once, who signed in, and episodes by their trace.

create table sign_in_links (
  token_sha256 text primary key,
  api_key_id uuid not null references api_keys on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index sign_in_links_api_key on sign_in_links (api_key_id);

-- The name that a person gave when they signed in with a key that several share; null where they gave none.
alter table sessions add column person text;

create index episodes_trace on episodes (trace_id);
