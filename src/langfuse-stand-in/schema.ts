/**
 * The collector's tables, in a schema of their own beside whatever else the database holds. Rows of traces are only ever added: what
 * was sent twice is there twice, and the database refuses to change or delete. `visible_at` is when reads begin to see a
 * row. Idempotent.
 */
export const COLLECTOR_SQL = `
create schema if not exists collector;

create table if not exists collector.observations (
  row bigint generated always as identity primary key,
  trace_id text not null,
  id text not null,
  start_time timestamptz not null,
  received_at timestamptz not null,
  visible_at timestamptz not null,
  body jsonb not null
);
create index if not exists observations_by_trace on collector.observations (trace_id, start_time desc, row desc);
create index if not exists observations_by_time on collector.observations (start_time desc, row desc);

create index if not exists observations_by_id on collector.observations (trace_id, id, row);

create table if not exists collector.traces (
  row bigint generated always as identity primary key,
  id text not null,
  received_at timestamptz not null,
  visible_at timestamptz not null,
  body jsonb not null
);
create index if not exists traces_by_id on collector.traces (id, row);

create table if not exists collector.scores (
  row bigint generated always as identity primary key,
  id text not null,
  received_at timestamptz not null,
  visible_at timestamptz not null,
  body jsonb not null
);
create index if not exists scores_by_id on collector.scores (id, row desc);
create index if not exists scores_by_trace on collector.scores ((body ->> 'traceId'));

create table if not exists collector.media (
  id text primary key,
  sha256 text not null,
  content_type text not null,
  size_bytes bigint not null,
  bytes bytea,
  uploaded_at timestamptz
);
-- Traces that somebody asked to delete: their rows stay, and no read shows them.
create table if not exists collector.deleted_traces (id text primary key);

create or replace function collector.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'collector.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create or replace trigger append_only before update or delete or truncate on collector.observations
  for each statement execute function collector.refuse_change();
create or replace trigger append_only before update or delete or truncate on collector.traces
  for each statement execute function collector.refuse_change();
create or replace trigger append_only before update or delete or truncate on collector.scores
  for each statement execute function collector.refuse_change();
`;
