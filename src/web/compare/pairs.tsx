import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useList } from '../episode/virtual.ts';
import { count, duration, usd } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/text.tsx';
import type { ComparisonResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';

const TextDiff = lazy(async () => ({ default: (await import('../episode/details/file-diff.tsx')).TextDiff }));

type Pair = ComparisonResource['steps'][number];
type Side = NonNullable<Pair['a']>;

const LINE_PX = 30;

const isDifferent = ({ a, b, differs }: Pair): boolean => a === null || b === null || differs.length > 0;

/** The steps of both, side by side; those that are the same can be left out. Press one to see in what it differs. */
export function Pairs({ a, b, comparison }: Readonly<{ a: string; b: string; comparison: ComparisonResource }>) {
  const { steps, first } = comparison;
  const different = steps.filter(isDifferent);
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<Pair | undefined>(first === null ? undefined : steps[first]);
  const shown = all || different.length === 0 ? steps : different;
  const { scroller, virtual } = useList({
    count: shown.length,
    estimate: () => LINE_PX,
    chosen: chosen ? shown.indexOf(chosen) : -1,
    key: (index) => steps.indexOf(shown[index] as Pair),
  });
  return (
    <section>
      <h2>
        {first === null
          ? `All ${count(steps.length)} steps are the same`
          : `${count(different.length)} of ${count(steps.length)} steps differ; the first is ${nameOf(steps[first] as Pair)}`}
      </h2>
      {different.length > 0 && different.length < steps.length && (
        <label className="check">
          <input type="checkbox" checked={all} onChange={({ target }) => setAll(target.checked)} /> Show those that are
          the same, too
        </label>
      )}
      <div className="pairs">
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls */}
        <div className="pairs-scroller" ref={scroller} role="table" aria-label="Steps side by side" tabIndex={0}>
          <div role="rowgroup" className="pairs-body" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map(({ index, start, key }) => {
              const pair = shown[index];
              if (!pair) return null;
              return (
                <div
                  key={key}
                  role="row"
                  className={`pair ${isDifferent(pair) ? 'differs' : ''} ${pair === steps[first ?? -1] ? 'first' : ''} ${pair === chosen ? 'chosen' : ''}`}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <Cell step={pair.a} other={pair.b} onClick={() => setChosen(pair)} />
                  <Cell step={pair.b} other={pair.a} onClick={() => setChosen(pair)} />
                </div>
              );
            })}
          </div>
        </div>
        {chosen && <PairDetail key={steps.indexOf(chosen)} pair={chosen} a={a} b={b} />}
      </div>
    </section>
  );
}

type CellProps = Readonly<{ step: Side | null; other: Side | null; onClick: () => void }>;

function Cell({ step, other, onClick }: CellProps) {
  if (!step) return <span role="cell" className="pair-cell none" />;
  const longer =
    other && step.duration_ms !== null && other.duration_ms !== null && step.duration_ms > 2 * other.duration_ms;
  return (
    <span role="cell" className="pair-cell">
      <button type="button" onClick={onClick}>
        <span className="dim mono">{step.seq}</span>
        <Icon name={step.status === 'error' ? 'error' : step.kind} className="small" />
        {step.kind !== 'thought' && <b className="mono">{step.name}</b>}
        <span className="pair-text">
          <Plain>{step.text}</Plain>
        </span>
        <span className={longer ? 'warn-text' : 'dim'}>{duration(step.duration_ms)}</span>
      </button>
    </span>
  );
}

const nameOf = ({ a, b }: Pair): string =>
  a && b
    ? a.seq === b.seq
      ? `step ${a.seq}`
      : `step ${a.seq} of a, ${b.seq} of b`
    : a
      ? `step ${a.seq} of a`
      : `step ${b?.seq} of b`;

/** In what two steps differ, member by member. */
function PairDetail({ pair, a, b }: Readonly<{ pair: Pair; a: string; b: string }>) {
  const source = useSource();
  const { data } = useQuery({
    queryKey: ['pair', a, pair.a?.seq, b, pair.b?.seq],
    queryFn: async () =>
      Promise.all([pair.a ? source.step(a, pair.a.seq) : null, pair.b ? source.step(b, pair.b.seq) : null]),
    staleTime: Infinity,
  });
  const links = [
    { name: 'a', id: a, step: pair.a },
    { name: 'b', id: b, step: pair.b },
  ];
  return (
    <aside className="pair-detail" aria-label="In what they differ">
      <p className="pair-links">
        {links.map(
          ({ name, id, step }) =>
            step && (
              <Link key={name} to="/episodes/$id" params={{ id }} hash={`step=${step.seq}`}>
                {name}: step {step.seq}, {usd(step.usd)}
              </Link>
            ),
        )}
      </p>
      {(pair.a === null || pair.b === null) && <p>Only {pair.a === null ? 'b' : 'a'} has this step.</p>}
      {pair.a && pair.b && pair.differs.length === 0 && (
        <p className="dim">They are the same, but for when they ran.</p>
      )}
      {data &&
        pair.differs.map((member) => (
          <section key={member}>
            <h3>{member}</h3>
            <Suspense fallback={<p className="waiting-line">Comparing…</p>}>
              <TextDiff name={member} before={textOf(data[0]?.[member])} after={textOf(data[1]?.[member])} />
            </Suspense>
          </section>
        ))}
    </aside>
  );
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 1).replaceAll('\\n', '\n');
