-- What people asked of an episode under a key of their own, so that the same key with other words is a conflict.
create table person_requests (
  episode_id uuid not null references episodes on delete cascade,
  kind text not null check (kind in ('message', 'answer')),
  key text not null,
  request_sha256 text not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (episode_id, kind, key)
);
