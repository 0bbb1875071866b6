import type { Benchmark, Outcome, Vector3, Zone } from '../schemas/simulation.ts';

/** What a judge sees of a step: time, the payload's centre and speed in SI units, and the scene's kinetic energy. */
export interface Observation {
  time_s: number;
  position: Float64Array;
  speed_m_s: number;
  kinetic_energy_j: number;
}

/** The failures that say that a scene could not be simulated well, not that its design is wrong: after them its state means nothing. */
export const CALAMITIES: ReadonlySet<unknown> = new Set<Outcome['failure_reason']>([
  'PHYSICS_INSTABILITY',
  'STABILITY_ISSUE',
  'STATE_DIVERGED',
  'ARENA_FULL',
  'ENGINE_FAILED',
]);

/** Seconds by which a time may miss its bound: time is a sum of steps. */
const TIME_TOLERANCE_S = 1e-9;

/** A judge of one spawn: given every step in order, it answers with the outcome as soon as there is one. */
export function createJudge(benchmark: Benchmark, radius_m: number): (seen: Observation) => Outcome | undefined {
  const { payload, goal_zone, forbidden_zones, simulation_bounds, settled } = benchmark;
  const forbidden = Object.entries(forbidden_zones);
  let settledSince = Infinity;
  return ({ time_s, position, speed_m_s, kinetic_energy_j }) => {
    // Written so that NaN fails.
    if (!(kinetic_energy_j < benchmark.kinetic_energy_max_j))
      return failed(
        'PHYSICS_INSTABILITY',
        `The scene exploded ${at(time_s)}: kinetic energy ${kinetic_energy_j.toPrecision(4)} J, at most ${benchmark.kinetic_energy_max_j} J is plausible.`,
      );
    for (const [name, zone] of forbidden)
      if (gap(zone, position) < radius_m)
        return failed(
          'FORBID_ZONE_HIT',
          `${payload.name} entered the forbidden zone ${name} ${at(time_s)}, with its centre at ${inMillimetres(position)} mm.`,
        );
    if (!inside(simulation_bounds, position))
      return failed(
        'OUT_OF_BOUNDS',
        `${payload.name} left the simulation bounds ${at(time_s)}, with its centre at ${inMillimetres(position)} mm.`,
      );
    const still = inside(goal_zone, position) && speed_m_s < settled.speed_m_s;
    settledSince = still ? Math.min(settledSince, time_s) : Infinity;
    if (time_s - settledSince >= settled.for_s - TIME_TOLERANCE_S)
      return { success: true, failure_reason: 'NONE', detail: `Goal achieved: ${payload.name} reached the goal zone.` };
    if (time_s >= benchmark.duration_max_s - TIME_TOLERANCE_S)
      return failed(
        'TIMEOUT',
        `${payload.name} did not settle in the goal zone within ${benchmark.duration_max_s} s; its centre ended at ${inMillimetres(position)} mm.`,
      );
    return undefined;
  };
}

/** Written only where it is said: it costs as much as all the rest of a step's judging. */
const at = (time_s: number) => `at ${time_s.toFixed(3)} s`;

/** The outcome of a scene that failed for the given reason. */
export function failed(
  failure_reason: Extract<Outcome, { success: false }>['failure_reason'],
  detail: string,
): Outcome {
  return { success: false, failure_reason, detail };
}

/** Whether a point lies in a zone, its faces included. Metres. */
export function inside({ min, max }: Zone, point: ArrayLike<number>): boolean {
  const [x, y, z] = [point[0] ?? NaN, point[1] ?? NaN, point[2] ?? NaN];
  return x >= min[0] && x <= max[0] && y >= min[1] && y <= max[1] && z >= min[2] && z <= max[2];
}

/** A point in millimetres, rounded to micrometres. */
export function millimetres(point: ArrayLike<number>): Vector3 {
  const rounded = (value = 0) => Math.round(value * 1e6) / 1e3 || 0;
  return [rounded(point[0]), rounded(point[1]), rounded(point[2])];
}

const inMillimetres = (point: ArrayLike<number>) => `[${millimetres(point).map(Math.round).join(', ')}]`;

/** The distance of a point from a zone; 0 inside. */
function gap({ min, max }: Zone, point: ArrayLike<number>): number {
  const beyond = (low: number, high: number, value = NaN) => Math.max(low - value, 0, value - high);
  return Math.hypot(
    beyond(min[0], max[0], point[0]),
    beyond(min[1], max[1], point[1]),
    beyond(min[2], max[2], point[2]),
  );
}
