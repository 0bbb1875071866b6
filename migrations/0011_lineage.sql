-- Where an episode comes from, and which of its steps answered from another's record.

alter table episodes
  add column generation_kind text not null default 'original' check (generation_kind in ('original', 'fork', 'rerun')),
  -- What a seed of tasks is called where the episode was made from one.
  add column seed_id text,
  add column seed_dataset text,
  -- No cascade: what reads its first steps in another episode keeps that episode.
  add column parent_episode_id uuid references episodes,
  -- The last step that is the parent's; 0 where none is.
  add column forked_from_seq integer check (forked_from_seq >= 0),
  -- How many runs the parent had then: what a later run of it supersedes, this line still has.
  add column parent_runs integer check (parent_runs >= 0),
  -- What a person says to the agents as the fork begins: {id, author, text}.
  add column opening_message jsonb,
  -- A re-run takes its answers from the parent's record up to this step, or to the first that was asked something else.
  add column recorded_until integer check (recorded_until > 0),
  add column recorded_miss jsonb,
  -- Runs that went on with the episode after it had ended: each begins a line, as one does that takes steps over.
  add column reopened_by text[] not null default '{}',
  add check ((generation_kind = 'original') = (parent_episode_id is null)),
  add check ((parent_episode_id is null) = (forked_from_seq is null)),
  add check ((parent_episode_id is null) = (parent_runs is null)),
  add check ((generation_kind = 'rerun') = (recorded_until is not null));
create index episodes_parent on episodes (parent_episode_id) where parent_episode_id is not null;

alter table steps
  -- What the model or the tool was asked, hashed: the same question may be answered from the record.
  add column asked_sha256 text check (asked_sha256 ~ '^[0-9a-f]{64}$'),
  -- The step whose recorded answer this one took.
  add column served_from uuid references steps on delete set null;
create index steps_served_from on steps (served_from) where served_from is not null;
