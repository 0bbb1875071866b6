import { Link } from '@tanstack/react-router';
import { ago, count, moment, words } from '../parts/format.ts';
import { CoverageBadge } from '../parts/status.tsx';
import { Plain } from '../parts/text.tsx';
import type { Operating } from '../source/source.ts';
import { Rows } from './rows.tsx';

const When = ({ at }: Readonly<{ at: string | null }>) =>
  at === null ? '–' : <span title={moment(at)}>{ago(at)}</span>;

const Episode = ({ id, seq = null }: Readonly<{ id: string; seq?: number | null }>) => (
  <Link to="/episodes/$id" params={{ id }} hash={seq === null ? '' : `step=${seq}`} className="mono">
    …{id.slice(-12)}
    {seq !== null && `, step ${seq}`}
  </Link>
);

export function Alerts({ alerts }: Readonly<{ alerts: Operating['alerts'] }>) {
  return (
    <Rows
      none="None stands."
      heads={['Since', 'Alert', 'What is wrong', 'Times']}
      rows={alerts.map((alert) => [
        <When key="when" at={alert.raised_at} />,
        words(alert.name),
        <span key="message">
          <Plain>{alert.message}</Plain>
        </span>,
        count(alert.times),
      ])}
    />
  );
}

export function Audits({ audits }: Readonly<{ audits: Operating['audits'] }>) {
  return (
    <Rows
      none="No episode has ended yet."
      heads={['Ended', 'Episode', 'Coverage', 'Confirmed', 'Missing', 'Audited']}
      rows={audits.map((audit) => [
        <When key="when" at={audit.ended_at} />,
        <Episode key="episode" id={audit.episode_id} />,
        <CoverageBadge key="verdict" verdict={audit.verdict ?? undefined} />,
        audit.counts ? `${count(audit.counts.confirmed)} of ${count(audit.counts.expected)}` : '–',
        audit.counts ? count(audit.counts.missing) : '–',
        <When key="audited" at={audit.checked_at} />,
      ])}
    />
  );
}

export function Outbox({ outbox }: Readonly<{ outbox: Operating['operations']['outbox'] }>) {
  const { waiting, pending, sending, accepted, parked, confirmed } = outbox;
  const all = pending + sending + accepted + parked;
  return (
    <>
      <p className="dim">
        {count(pending)} to be sent, {count(sending)} on their way, {count(accepted)} taken and not yet seen,{' '}
        {count(parked)} parked; {count(confirmed)} were seen in Langfuse.
        {all > waiting.length && ` The ${count(waiting.length)} that wait longest:`}
      </p>
      <Rows
        none="Nothing waits."
        heads={['Since', 'What', 'State', 'Tries', 'Of', 'Error']}
        rows={waiting.map((item) => [
          <When key="when" at={item.created_at} />,
          item.subject,
          item.state,
          count(item.attempts),
          <Episode key="episode" id={item.episode_id} seq={item.seq} />,
          <span key="error" className="bad-text">
            <Plain>{item.error ?? ''}</Plain>
          </span>,
        ])}
      />
    </>
  );
}

export function Schedules({ schedules }: Readonly<{ schedules: Operating['schedules'] }>) {
  return (
    <Rows
      none="There are none: set-up makes them."
      heads={['Schedule', 'State', 'Last', 'Next', 'Note']}
      rows={schedules.map(({ id, present, paused, last_at, next_at, note }) => [
        <span key="id" className="mono">
          {id}
        </span>,
        <span key="state" className={!present ? 'bad-text' : paused ? 'warn-text' : 'good-text'}>
          {!present ? 'missing' : paused ? 'waits' : 'runs'}
        </span>,
        <When key="last" at={last_at} />,
        <When key="next" at={next_at} />,
        note,
      ])}
    />
  );
}

export function Workers({ workers }: Readonly<{ workers: Operating['operations']['workers'] }>) {
  return (
    <Rows
      none="No step has been tried yet."
      heads={['Worker', 'Build', 'Tries', 'Last']}
      rows={workers.map(({ worker, build, attempts, last_at }) => [
        <span key="worker" className="mono">
          {worker}
        </span>,
        <span key="build" className="mono">
          {build}
        </span>,
        count(attempts),
        <When key="last" at={last_at} />,
      ])}
    />
  );
}

export function Keys({ keys }: Readonly<{ keys: Operating['operations']['keys'] }>) {
  return (
    <Rows
      none="There are none."
      heads={['Name', 'May', 'Made', 'Revoked']}
      rows={keys.map(({ name, role, created_at, revoked_at }) => [
        <Plain key="name">{name}</Plain>,
        role === 'reader' ? 'read' : 'read and act',
        <When key="made" at={created_at} />,
        <When key="revoked" at={revoked_at} />,
      ])}
    />
  );
}
