-- Recovery: which restore points and drills were tried and how they ended, and what is proven about each mirrored object.
-- A restore point itself lies in the backups bucket, where its manifest is the truth; these rows are the history of tries.

create table deployment (
  only_one boolean primary key default true check (only_one),
  -- Rises with every restore: what an older epoch handed out (cursors, runs) means nothing any more.
  restore_epoch integer not null default 0
);
insert into deployment default values;

create table restore_points (
  id uuid primary key,
  status text not null default 'running' check (status in ('running', 'complete', 'incomplete', 'failed')),
  started_at timestamptz not null default clock_timestamp(),
  snapshot_at timestamptz,
  ended_at timestamptz,
  manifest_sha256 text,
  checks jsonb not null default '[]',
  check ((status = 'running') = (ended_at is null))
);
create index restore_points_started on restore_points (started_at desc);

-- The point is no foreign key: the row of a point that was restored from, or pruned, may be gone.
create table restore_drills (
  id uuid primary key,
  point_id uuid,
  status text not null default 'running' check (status in ('running', 'passed', 'failed')),
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  rto_seconds double precision,
  checks jsonb not null default '[]',
  check ((status = 'running') = (ended_at is null))
);
create index restore_drills_started on restore_drills (started_at desc);

-- An object of the mirror whose bytes we hashed ourselves. The etag says whether somebody wrote it since.
create table mirror_objects (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes >= 0),
  etag text not null,
  verified_at timestamptz not null default clock_timestamp(),
  -- Since when nothing refers to it: its bytes stay for a month after that.
  unreferenced_at timestamptz
);
create index mirror_objects_verified on mirror_objects (verified_at);
