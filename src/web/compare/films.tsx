import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { createClock } from '../episode/physics/clock.ts';
import { Film } from '../episode/physics/film.tsx';
import { Time } from '../episode/physics/time.tsx';
import type { ComparisonResource, StepResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';

const SceneView = lazy(async () => ({ default: (await import('../episode/physics/scene-view.tsx')).SceneView }));

type Props = Readonly<{ a: string; b: string; steps: ComparisonResource['steps'] }>;

/** The last simulation of each on one clock: both videos, and the first as a ghost in the other's 3D. */
export function Films({ a, b, steps }: Props) {
  const source = useSource();
  const seqs = (['a', 'b'] as const).map(
    (side) => steps.findLast((pair) => pair[side]?.kind === 'simulation')?.[side]?.seq,
  );
  const { data } = useQuery({
    queryKey: ['films', a, b, seqs],
    queryFn: async () =>
      Promise.all([a, b].map(async (id, side) => (seqs[side] === undefined ? null : source.step(id, seqs[side])))),
    enabled: seqs.some((seq) => seq !== undefined),
    staleTime: Infinity,
  });
  const [clock] = useState(() => createClock(0));
  if (!data) return null;
  const [one, other] = data.map(madeBy);
  const longest = [one, other].toSorted((left, right) => endOf(right) - endOf(left))[0];
  return (
    <section>
      <h2>Their last simulations, on one clock</h2>
      <div className="dock-body compared-films">
        {[one, other].map((made, side) => (
          <figure key={side} className="film">
            <figcaption>
              <span className="side-name">{'ab'[side]}</span> {made ? `step ${made.seq}` : 'it ran none'}
            </figcaption>
            {made?.video && <Film file={made.video} poster={made.poster} clock={clock} follows={made !== longest} />}
          </figure>
        ))}
        {other?.scene && (
          <Suspense fallback={<p className="waiting-line">Reading the scene…</p>}>
            <SceneView
              sha256={other.scene}
              clock={clock}
              ghosts={one?.scene ? [{ seq: one.seq, sha256: one.scene, name: `a, step ${one.seq}` }] : []}
              ghost={one?.scene !== other.scene ? one?.scene : undefined}
            />
          </Suspense>
        )}
        {longest && <Time clock={clock} step={longest.step} />}
      </div>
    </section>
  );
}

function madeBy(step: StepResource | null) {
  if (!step) return undefined;
  const made = (end: string) => step.artifacts.find(({ path, role }) => role === 'output' && path.endsWith(end));
  const video = step.artifacts.find(({ kind, role }) => kind === 'VIDEO' && role === 'output');
  return { seq: step.seq, step, video, poster: made('/poster.png'), scene: made('.glb')?.sha256 };
}

const endOf = (made: ReturnType<typeof madeBy>): number => {
  const clock = made?.video?.clock;
  return clock ? clock.t0 + clock.frames / clock.fps : 0;
};
