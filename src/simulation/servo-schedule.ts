import { AppError } from '../errors.ts';
import { at, nameOf } from './engine.ts';
import type { Compiled } from './engine.ts';

/** An actuator's set point over time: MJCF has no time-varying control, so a scene carries it as a custom numeric. */
export interface Schedule {
  actuator: number;
  /** The set point at a time in seconds: linear between the given points, constant before the first and after the last. */
  setPoint: (time_s: number) => number;
}

const SUFFIX = '_schedule';

/**
 * The schedules of a scene's actuators: `<custom><numeric name="X_schedule" data="t0 value0 t1 value1 …"/>`, where X is the
 * actuator's name, or its joint's without `_joint`. Throws `invalid_argument` for one that is malformed or moves nothing.
 */
export function readSchedules(scene: Compiled): Schedule[] {
  const { model } = scene;
  const actuatorOf = new Map<string, number>();
  for (let actuator = model.nu - 1; actuator >= 0; actuator--)
    for (const name of namesOf(scene, actuator)) actuatorOf.set(name, actuator);
  const schedules: Schedule[] = [];
  for (let numeric = 0; numeric < model.nnumeric; numeric++) {
    const name = nameOf(scene, 'NUMERIC', numeric);
    if (!name.endsWith(SUFFIX)) continue;
    const actuator = actuatorOf.get(name.slice(0, -SUFFIX.length));
    if (actuator === undefined) {
      const possible = [...actuatorOf.keys()].map((key) => key + SUFFIX).join(', ') || 'none, for it has no actuator';
      throw new AppError(
        'invalid_argument',
        `The scene's numeric "${name}" drives no actuator. Possible names: ${possible}.`,
      );
    }
    const from = at(model.numeric_adr, numeric);
    const points = [...model.numeric_data.subarray(from, from + at(model.numeric_size, numeric))];
    checkPoints(name, points);
    schedules.push({ actuator, setPoint: (time_s) => interpolate(points, time_s) });
  }
  return schedules;
}

function namesOf(scene: Compiled, actuator: number): string[] {
  const { mujoco, model } = scene;
  const names = [nameOf(scene, 'ACTUATOR', actuator)];
  if (at(model.actuator_trntype, actuator) === mujoco.mjtTrn.mjTRN_JOINT.value)
    names.push(nameOf(scene, 'JOINT', at(model.actuator_trnid, 2 * actuator)).replace(/_joint$/, ''));
  return names.filter((name) => name !== '');
}

function checkPoints(name: string, points: number[]): void {
  const times = points.filter((_, index) => index % 2 === 0);
  const rising = times.every((time, index) => index === 0 || time > (times[index - 1] ?? time));
  if (points.length % 2 === 0 && points.every(Number.isFinite) && rising) return;
  throw new AppError(
    'invalid_argument',
    `The scene's numeric "${name}" must hold pairs "time value" with rising times in seconds; it holds "${points.join(' ')}".`,
  );
}

function interpolate(points: number[], time_s: number): number {
  let next = 0;
  while (next < points.length && at(points, next) <= time_s) next += 2;
  if (next === 0) return at(points, 1);
  if (next >= points.length) return at(points, points.length - 1);
  const [t0, t1] = [at(points, next - 2), at(points, next)];
  const [v0, v1] = [at(points, next - 1), at(points, next + 1)];
  return v0 + ((v1 - v0) * (time_s - t0)) / (t1 - t0);
}
