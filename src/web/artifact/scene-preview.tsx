import { useState } from 'react';
import { createClock, useClock } from '../episode/physics/clock.ts';
import { SceneView, useScene } from '../episode/physics/scene-view.tsx';
import '../episode/physics/physics.css';

/** A scene and the motion in it, with a slider through its time. */
export function ScenePreview({ sha256 }: Readonly<{ sha256: string }>) {
  const [clock] = useState(() => createClock(0));
  const { t } = useClock(clock);
  const { data } = useScene(sha256);
  const end = data?.animations[0]?.duration ?? 0;
  return (
    <div className="dock-body scene-preview">
      <SceneView sha256={sha256} clock={clock} ghosts={[]} />
      {end > 0 && (
        <label className="time">
          <span className="mono">{t.toFixed(2)} s</span>
          <input
            type="range"
            aria-label="Moment of the simulation"
            min={0}
            max={end}
            step={0.01}
            value={t}
            onChange={({ target }) => clock.seek(target.valueAsNumber)}
          />
          <span className="mono dim">{end.toFixed(2)} s</span>
        </label>
      )}
    </div>
  );
}
