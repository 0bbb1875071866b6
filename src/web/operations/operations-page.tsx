import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Failure } from '../parts/failure.tsx';
import { ago, count, duration, moment } from '../parts/format.ts';
import { useSource } from '../source/context.tsx';
import type { Operating } from '../source/source.ts';
import { Audits, Alerts, Keys, Outbox, Schedules, Workers } from './lists.tsx';
import { Checks, Drills, Points } from './recovery.tsx';
import './operations.css';

/** It is looked at while something is wrong: what stands changes by itself. */
const ASKED_AGAIN_MS = 15_000;

/** Whether this deployment could be lost, whether anything is missing, and what waits. Every number leads to its rows. */
export function OperationsPage() {
  const source = useSource();
  const { data, error, refetch } = useQuery({
    queryKey: ['operating'],
    queryFn: () => source.operating(),
    refetchInterval: ASKED_AGAIN_MS,
  });
  if (error) return <Failure error={error} again={() => void refetch()} />;
  if (!data) return <p className="waiting-line">Reading…</p>;
  return (
    <div className="operations">
      <h1>Operations</h1>
      <Strip {...data} />
      <Section id="alerts" title="Alerts that stand">
        <Alerts alerts={data.alerts} />
      </Section>
      <Section id="checks" title="Whether it could be restored">
        <Checks recovery={data.recovery} />
      </Section>
      <Section id="points" title="Restore points">
        <Points points={data.points} />
      </Section>
      <Section id="drills" title="Restore drills">
        <Drills drills={data.operations.drills} />
      </Section>
      <Section id="coverage" title="Coverage of ended episodes">
        <Audits audits={data.audits} />
      </Section>
      <Section id="outbox" title="Waiting for Langfuse">
        <Outbox outbox={data.operations.outbox} />
      </Section>
      <Section id="schedules" title="What runs by itself">
        <Schedules schedules={data.schedules} />
      </Section>
      <Section id="workers" title="Workers of the newest steps">
        <Workers workers={data.operations.workers} />
      </Section>
      <Section id="keys" title="Keys">
        <Keys keys={data.operations.keys} />
      </Section>
    </div>
  );
}

function Section({ id, title, children }: Readonly<{ id: string; title: string; children: ReactNode }>) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </section>
  );
}

const TONES = { ok: 'good-text', stale: 'warn-text', failing: 'bad-text', never: 'bad-text' } as const;

/** The objectives and what stands against them at a glance; each leads to the rows that it counts. */
function Strip({ recovery, alerts, audits, operations, schedules }: Operating) {
  const { pending, sending, accepted, parked, oldest_unconfirmed_at } = operations.outbox;
  const missing = audits.filter(({ verdict }) => verdict === 'incomplete').length;
  const waiting = pending + sending + accepted + parked;
  const paused = schedules.filter(({ paused: waits, present }) => waits || !present).length;
  const seconds = (value: number | null) => (value === null ? 'none yet' : duration(value * 1_000));
  return (
    <ul className="operations-strip">
      <Figure to="checks" value={recovery.status} name="recovery" tone={TONES[recovery.status]} />
      <Figure
        to="points"
        value={seconds(recovery.rpo_seconds)}
        name="would be lost (RPO)"
        title={recovery.last_complete?.snapshot_at ? moment(recovery.last_complete.snapshot_at) : 'no restore point'}
      />
      <Figure to="drills" value={seconds(recovery.rto_seconds)} name="last restore took (RTO)" />
      <Figure to="alerts" value={count(alerts.length)} name="alerts" tone={alerts.length > 0 ? 'bad-text' : ''} />
      <Figure
        to="coverage"
        value={`${count(audits.length - missing)} of ${count(audits.length)}`}
        name="newest audits without a finding"
        tone={missing > 0 ? 'bad-text' : ''}
      />
      <Figure
        to="outbox"
        value={count(waiting)}
        name={oldest_unconfirmed_at === null ? 'in the outbox' : `in the outbox, oldest ${ago(oldest_unconfirmed_at)}`}
        tone={parked > 0 ? 'warn-text' : ''}
      />
      <Figure
        to="schedules"
        value={count(paused)}
        name="schedules that do not run"
        tone={paused > 0 ? 'warn-text' : ''}
      />
    </ul>
  );
}

type FigureProps = Readonly<{ to: string; value: string; name: string; tone?: string; title?: string }>;

function Figure({ to, value, name, tone = '', title }: FigureProps) {
  return (
    <li title={title}>
      <a href={`#${to}`}>
        <b className={tone}>{value}</b> <span>{name}</span>
      </a>
    </li>
  );
}
