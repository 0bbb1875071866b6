import { useEffect, useMemo, useRef, useState } from 'react';
import { count } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Failure } from '../parts/failure.tsx';
import type { EpisodeResource } from '../resources.ts';
import { ASK } from './keys.ts';
import { VIEWS } from './place.ts';
import type { Place } from './place.ts';
import { isTrouble } from './rows.ts';
import type { Row } from './rows.ts';
import type { EpisodeState } from './store.ts';
import { Transcript } from './transcript.tsx';
import { Tree } from './tree.tsx';
import type { ViewProps } from './view-props.ts';
import { Waterfall } from './waterfall.tsx';

/** What every part of the episode's page is given. */
export type PaneProps = Readonly<{
  episode: EpisodeResource;
  steps: EpisodeState;
  place: Place;
  go: (change: Partial<Place>, options?: { keep?: boolean }) => void;
}>;

/** The steps, in the way that the address says. */
export function StepsPane({ episode, steps, place, go }: PaneProps) {
  const [sought, setSought] = useState('');
  const rows = useMemo(() => matching(steps.rows, sought), [steps.rows, sought]);
  const props: ViewProps = {
    episode,
    rows,
    lines: steps.lines,
    chosen: place.step,
    choose: (seq) => go({ step: seq, t: null }, { keep: place.step === null }),
  };
  const troubles = steps.rows.filter(isTrouble).length;
  return (
    <section className="steps-pane" aria-label="Steps">
      <div className="pane-bar">
        <div className="switch" role="radiogroup" aria-label="How to look at the steps">
          {VIEWS.map((view) => (
            <button
              key={view}
              type="button"
              role="radio"
              aria-checked={place.view === view}
              onClick={() => go({ view })}
            >
              {view}
            </button>
          ))}
        </div>
        <Find sought={sought} onChange={setSought} found={rows.length} of={steps.rows.length} />
        {troubles > 0 && (
          <span className="troubles bad-text" title="n and p go to the next and previous one">
            <Icon name="error" className="small" /> {count(troubles)}
          </span>
        )}
      </div>
      {steps.error && <Failure error={steps.error} />}
      {!steps.loaded && steps.rows.length === 0 && !steps.error && <p className="waiting-line">Reading steps…</p>}
      {steps.loaded && steps.rows.length === 0 && <p className="waiting-line">No step has begun yet.</p>}
      {place.view === 'transcript' && <Transcript {...props} />}
      {place.view === 'tree' && <Tree {...props} />}
      {place.view === 'waterfall' && <Waterfall {...props} />}
    </section>
  );
}

/** The rows that hold every one of the words. */
function matching(rows: readonly Row[], sought: string): readonly Row[] {
  const looked = sought.toLowerCase().split(/\s+/).filter(Boolean);
  if (looked.length === 0) return rows;
  return rows.filter((row) => {
    const text =
      `${row.seq} ${row.kind} ${row.name} ${row.agent} ${row.status} ${row.refused ? 'refused' : ''} ${row.text}`.toLowerCase();
    return looked.every((word) => text.includes(word));
  });
}

type FindProps = Readonly<{ sought: string; onChange: (sought: string) => void; found: number; of: number }>;

function Find({ sought, onChange, found, of }: FindProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onAsk = () => field.current?.focus();
    addEventListener(ASK.find, onAsk);
    return () => removeEventListener(ASK.find, onAsk);
  }, []);
  return (
    <label className="words find">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        aria-label="Find steps"
        placeholder="Find steps"
        value={sought}
        onChange={({ target }) => onChange(target.value)}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
      {sought === '' ? <kbd>/</kbd> : <span className="found dim">{`${count(found)} of ${count(of)}`}</span>}
    </label>
  );
}
