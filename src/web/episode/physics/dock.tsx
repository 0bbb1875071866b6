import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Icon } from '../../parts/icons.tsx';
import { Plain } from '../../parts/text.tsx';
import { useSource } from '../../source/context.tsx';
import type { Row } from '../rows.ts';
import type { PaneProps } from '../steps-pane.tsx';
import { useBody } from '../use-episode.ts';
import { createClock } from './clock.ts';
import { Film } from './film.tsx';
import type { Ghost } from './scene-view.tsx';
import { Time } from './time.tsx';

const SceneView = lazy(async () => ({ default: (await import('./scene-view.tsx')).SceneView }));

/** Earlier simulations that are offered as ghosts. */
const GHOSTS_MAX = 8;
/** Somebody who seeks passes by many moments; the address holds where they stay. */
const STAY_MS = 400;

/** What simulations showed, on one clock: of the chosen step, or the last one before it. */
export function Dock({ episode, steps, place, go }: PaneProps) {
  const simulations = steps.rows.filter(({ kind, files }) => kind === 'simulation' && files > 0);
  const until = place.step ?? Number.MAX_SAFE_INTEGER;
  const shown = simulations.findLast(({ seq }) => seq <= until) ?? simulations[0];
  const [opened, setOpened] = useState<boolean>();
  if (!shown) return null;
  const open = opened ?? place.step === shown.seq;
  return (
    <section className={`dock ${open ? 'open' : ''}`} aria-label="Simulation">
      <header>
        <button type="button" className="dock-fold" aria-expanded={open} onClick={() => setOpened(!open)}>
          <Icon name={open ? 'open' : 'closed'} className="small" /> <Icon name="simulation" /> Simulation
        </button>
        {simulations.map(({ seq, refused }) => (
          <button
            key={seq}
            type="button"
            className={`chip ${seq === shown.seq ? 'here' : ''} ${refused ? 'bad-text' : 'good-text'}`}
            aria-pressed={seq === shown.seq}
            onClick={() => go({ step: seq, t: null })}
          >
            step {seq}
          </button>
        ))}
        <span className="dock-says">
          <Plain>{shown.text}</Plain>
        </span>
      </header>
      {open && <Physics key={shown.seq} {...{ episode, simulations, go }} row={shown} t={place.t} />}
    </section>
  );
}

type PhysicsProps = Readonly<{
  episode: PaneProps['episode'];
  simulations: Row[];
  go: PaneProps['go'];
  row: Row;
  t: number | null;
}>;

function Physics({ episode, simulations, go, row, t }: PhysicsProps) {
  const body = useBody(episode.id, row.seq);
  const [clock] = useState(() => createClock(t ?? 0));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Whoever seeks the video looks at the step that made it.
    const leave = clock.onSeek((at) => {
      clearTimeout(timer);
      timer = setTimeout(() => go({ step: row.seq, t: at }), STAY_MS);
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [clock, go, row.seq]);
  const earlier = simulations.filter(({ seq }) => seq < row.seq).slice(-GHOSTS_MAX);
  const ghosts = useGhosts(episode.id, earlier);
  if (!body) return <p className="waiting-line">Reading…</p>;
  const made = (end: string) => body.artifacts.find(({ path, role }) => role === 'output' && path.endsWith(end));
  const [video, scene] = [body.artifacts.find(({ kind, role }) => kind === 'VIDEO' && role === 'output'), made('.glb')];
  return (
    <div className="dock-body">
      <div className="film">
        {video ? (
          <Film file={video} poster={made('/poster.png')} clock={clock} />
        ) : (
          <p className="waiting-line">It made no video.</p>
        )}
      </div>
      {scene && (
        <Suspense fallback={<p className="waiting-line">Reading the scene…</p>}>
          <SceneView sha256={scene.sha256} clock={clock} ghosts={ghosts} />
        </Suspense>
      )}
      <Time clock={clock} step={body} />
    </div>
  );
}

function useGhosts(id: string, earlier: Row[]): Ghost[] {
  const source = useSource();
  const seqs = earlier.map(({ seq }) => seq);
  const { data } = useQuery({
    queryKey: ['ghosts', id, seqs],
    queryFn: async () => {
      const steps = await Promise.all(seqs.map((seq) => source.step(id, seq)));
      return steps.flatMap(({ seq, artifacts }) => {
        const scene = artifacts.find(({ path, role }) => role === 'output' && path.endsWith('.glb'));
        return scene ? [{ seq, sha256: scene.sha256 }] : [];
      });
    },
    enabled: seqs.length > 0,
    staleTime: Infinity,
  });
  return data ?? [];
}
