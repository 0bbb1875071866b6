import type { StepResource } from '../../resources.ts';
import { useClock } from './clock.ts';
import type { SimulationClock } from './clock.ts';

/** The moment, and a slider that goes through all of them. */
export function Time({ clock, step }: Readonly<{ clock: SimulationClock; step: StepResource }>) {
  const { t } = useClock(clock);
  const film = step.artifacts.find(({ clock: of }) => of?.kind === 'sim')?.clock;
  if (!film) return null;
  const end = film.t0 + film.frames / film.fps;
  return (
    <label className="time">
      <span className="mono">{t.toFixed(2)} s</span>
      <input
        type="range"
        aria-label="Moment of the simulation"
        min={film.t0}
        max={end}
        step={1 / film.fps}
        value={t}
        onChange={({ target }) => clock.seek(target.valueAsNumber)}
      />
      <span className="mono dim">{end.toFixed(2)} s</span>
    </label>
  );
}
