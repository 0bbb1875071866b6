-- What operators are told: alarms as rows, and the messages by which a webhook hears of them and of ended episodes.

create table alerts (
  id uuid primary key,
  name text not null,
  -- What of this name it is about; '' where a deployment has one such thing.
  subject text not null default '',
  message text not null,
  facts jsonb not null default '{}',
  raised_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  times integer not null default 1,
  -- When the webhook was last told: what stays is told again, now and then.
  told_at timestamptz not null default clock_timestamp(),
  cleared_at timestamptz
);
-- What is raised again while it stands is the same alert.
create unique index alerts_open on alerts (name, subject) where cleared_at is null;

create table webhook_messages (
  id uuid primary key,
  type text not null,
  -- The bytes that are signed and posted, however often.
  body text not null,
  created_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  given_up_at timestamptz,
  error text
);
create index webhook_messages_due on webhook_messages (next_attempt_at) where delivered_at is null and given_up_at is null;

-- Pictures go to Langfuse as media, beside the span that refers to them.
alter table trace_outbox drop constraint trace_outbox_subject_check;
alter table trace_outbox add constraint trace_outbox_subject_check
  check (subject in ('step', 'attempt', 'root', 'score', 'media'));
-- What was sent last, and what of that was shown, tells whether a server lags or has lost something.
create index trace_outbox_sent on trace_outbox (sent_at) where sent_at is not null;
