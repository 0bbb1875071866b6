-- What a model's answer took by kind: cached tokens are among the input's, reasoning tokens among the output's.
alter table episodes add column cached_tokens bigint not null default 0, add column reasoning_tokens bigint not null default 0;
alter table steps add column cached_tokens bigint not null default 0, add column reasoning_tokens bigint not null default 0;
alter table step_attempts add column cached_tokens bigint not null default 0, add column reasoning_tokens bigint not null default 0;

-- Dollars that nobody knows are null, and so is every sum that they are part of.
alter table episodes alter column usd drop not null;
alter table steps alter column usd drop not null;
alter table step_attempts alter column usd drop not null;

-- How a step ended, where its status does not say it: an answer that was cut, filtered, refused, empty or malformed.
alter table steps add column status_detail text;

-- How long an attempt worked, as its worker measured it, and when the next one is to be made where it failed for somebody to wait for.
alter table step_attempts add column worked_ms bigint check (worked_ms >= 0), add column next_try_at timestamptz;
