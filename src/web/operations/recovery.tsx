import { ago, between, bytes, count, duration, moment, percent } from '../parts/format.ts';
import type { Operating } from '../source/source.ts';
import { Rows } from './rows.tsx';

type Recovery = Operating['recovery'];
type Check = Recovery['checks'][number];

/** What was held against what must be true, and the mirror that restore points lie on. */
export function Checks({ recovery }: Readonly<{ recovery: Recovery }>) {
  const { checks, mirror, same_endpoint } = recovery;
  return (
    <>
      <CheckList checks={checks} />
      <p className="dim">
        The mirror holds {count(mirror.objects)} objects, {bytes(mirror.bytes)}; {percent(mirror.reread_share)} were
        read and hashed within a month.
        {same_endpoint && ' It lies on the endpoint that it is to outlive.'}
      </p>
    </>
  );
}

function CheckList({ checks }: Readonly<{ checks: Check[] }>) {
  return (
    <ul className="checks">
      {checks.map(({ name, status, reason }) => (
        <li key={name} className={status === 'ok' ? '' : 'bad-text'}>
          <span className={status === 'ok' ? 'good-text' : 'bad-text'}>{status === 'ok' ? '✓' : '✗'}</span> {name}
          {reason !== null && `: ${reason}`}
        </li>
      ))}
    </ul>
  );
}

type Tried = { status: string; checks: Check[] };

const StatusCell = ({ status, good }: Readonly<{ status: string; good: string }>) => (
  <span className={status === good ? 'good-text' : status === 'running' ? '' : 'bad-text'}>{status}</span>
);

const Found = ({ checks }: Readonly<Tried>) => {
  const failed = checks.filter(({ status }) => status === 'failed');
  return (
    <details>
      <summary>
        {failed.length === 0 ? `all ${checks.length} hold` : `${failed.length} of ${checks.length} do not hold`}
      </summary>
      <CheckList checks={checks} />
    </details>
  );
};

const took = (from: string, to: string | null) => (to === null ? 'not ended' : duration(between(from, to)));

export function Points({ points }: Readonly<{ points: Operating['points'] }>) {
  return (
    <Rows
      none="No restore point has been made yet."
      heads={['When', 'Status', 'Took', 'Checks', 'Point']}
      rows={points.map((point) => [
        <span key="when" title={moment(point.started_at)}>
          {ago(point.started_at)}
        </span>,
        <StatusCell key="status" status={point.status} good="complete" />,
        took(point.started_at, point.ended_at),
        <Found key="checks" {...point} />,
        <span key="id" className="mono dim">
          {point.id}
        </span>,
      ])}
    />
  );
}

export function Drills({ drills }: Readonly<{ drills: Operating['operations']['drills'] }>) {
  return (
    <Rows
      none="No point has been restored as a drill yet."
      heads={['When', 'Status', 'Restore took', 'Checks', 'Point']}
      rows={drills.map((drill) => [
        <span key="when" title={moment(drill.started_at)}>
          {ago(drill.started_at)}
        </span>,
        <StatusCell key="status" status={drill.status} good="passed" />,
        drill.rto_seconds === null ? '–' : duration(drill.rto_seconds * 1_000),
        <Found key="checks" {...drill} />,
        <span key="id" className="mono dim">
          {drill.point_id ?? '–'}
        </span>,
      ])}
    />
  );
}
