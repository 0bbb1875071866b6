import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Failure } from '../../parts/failure.tsx';
import { useSource } from '../../source/context.tsx';
import type { SimulationClock } from './clock.ts';
import { motionsOf, radiusOf, staysOf, zonesOf } from './motion.ts';
import { Plot } from './plot.tsx';
import { createStage, loadScene } from './stage.ts';
import type { Stage } from './stage.ts';

/** A simulation that can be shown as a ghost in a later one: its step, and the scene that it exported. */
export type Ghost = { seq: number; sha256: string; name?: string };

type Props = Readonly<{
  sha256: string;
  clock: SimulationClock;
  ghosts: Ghost[];
  /** The ghost that is shown to begin with. */
  ghost?: string | undefined;
}>;

/** The scene in 3D and the motion of a body in it, both on the clock. Loaded only when a simulation is looked at. */
export function SceneView({ sha256, clock, ghosts, ghost: given = '' }: Props) {
  const [ghost, setGhost] = useState(given);
  const [followed, setFollowed] = useState('');
  const [body, setBody] = useState('');
  const main = useScene(sha256);
  const other = useScene(ghost === '' ? undefined : ghost);
  const { data } = main;
  const motions = useMemo(() => motionsOf(data?.animations[0]?.tracks ?? []), [data]);
  const motion = motions.find((each) => each.body === body) ?? motions[0];
  const stays = useMemo(
    () => (data && motion ? staysOf(motion, zonesOf(data.scene), radiusOf(data.scene, motion.body)) : []),
    [data, motion],
  );
  const [canvas, failed] = useStage({ main: data, ghost: ghost === '' ? undefined : other.data, followed, clock });
  if (main.error) return <Failure error={main.error} />;
  return (
    <>
      <div className="stage">
        {failed ? (
          <p className="waiting-line">This browser shows no 3D. The video and the plot show the same.</p>
        ) : (
          <canvas ref={canvas} aria-label="The scene in 3D: drag to turn it" />
        )}
        <div className="stage-bar">
          <Choice
            name="Follow"
            none="stand still"
            value={followed}
            options={motions.map((each) => each.body)}
            onChange={setFollowed}
          />
          {ghosts.length > 0 && (
            <Choice
              name="Ghost"
              none="no ghost"
              value={ghost}
              options={ghosts.map((each) => each.sha256)}
              names={ghosts.map(({ seq, name }) => name ?? `step ${seq}`)}
              onChange={setGhost}
            />
          )}
        </div>
      </div>
      <div className="plot-place">
        {motions.length > 1 && (
          <Choice
            name="Body"
            value={motion?.body ?? ''}
            options={motions.map((each) => each.body)}
            onChange={setBody}
          />
        )}
        {motion && <Plot motion={motion} stays={stays} clock={clock} />}
      </div>
    </>
  );
}

/** The scene with this hash. */
export function useScene(sha256: string | undefined) {
  const source = useSource();
  return useQuery({
    // A scene is changed by being shown: each way to show it has its own.
    queryKey: ['scene', sha256],
    queryFn: async () => loadScene(await source.contentUrl({ sha256: sha256 ?? '' })),
    enabled: sha256 !== undefined,
    staleTime: Infinity,
    gcTime: 0,
  });
}

type Loaded = ReturnType<typeof useScene>['data'];
type Shown = { main: Loaded; ghost: Loaded; followed: string; clock: SimulationClock };

function useStage({ main, ghost, followed, clock }: Shown) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [made, setStage] = useState<Stage | 'none'>();
  const there = main !== undefined;
  useEffect(() => {
    const element = canvas.current;
    if (!element || !there) return undefined;
    const stage = createStageIfAny(element);
    setStage(stage ?? 'none');
    const sized = new ResizeObserver(() => stage?.draw());
    sized.observe(element);
    return () => {
      sized.disconnect();
      stage?.close();
    };
  }, [there]);
  const stage = made === 'none' ? undefined : made;
  useEffect(() => {
    if (!stage || !main) return;
    stage.show(main, ghost);
    stage.follow(followed === '' ? undefined : followed);
    stage.at(clock.now().t);
  }, [stage, main, ghost, clock, followed]);
  useEffect(() => stage && clock.subscribe(() => stage.at(clock.now().t)), [stage, clock]);
  return [canvas, made === 'none'] as const;
}

/** The stage; undefined where the browser has no WebGL. */
function createStageIfAny(canvas: HTMLCanvasElement): Stage | undefined {
  try {
    return createStage(canvas);
  } catch {
    // three.js says so by throwing; whoever looks is told in place of the scene.
    return undefined;
  }
}

type ChoiceProps = Readonly<{
  name: string;
  value: string;
  options: string[];
  names?: string[];
  none?: string;
  onChange: (value: string) => void;
}>;

function Choice({ name, value, options, names = options, none, onChange }: ChoiceProps) {
  return (
    <select aria-label={name} value={value} onChange={({ target }) => onChange(target.value)}>
      {none !== undefined && <option value="">{none}</option>}
      {options.map((option, index) => (
        <option key={option} value={option}>
          {name === 'Body' ? names[index] : `${name.toLowerCase()} ${names[index]}`}
        </option>
      ))}
    </select>
  );
}
