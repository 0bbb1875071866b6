-- How often each Langfuse server may be asked by its general API, shared by every process that asks. `next_at` is when the next
-- request may leave; `per_minute`, once a server has said it, how many of ours are spread over a minute.
create table langfuse_budget (
  server text primary key,
  next_at timestamptz not null default '-infinity',
  per_minute integer check (per_minute > 0),
  learned_at timestamptz
);
