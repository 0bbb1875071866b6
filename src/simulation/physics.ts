import { AppError } from '../errors.ts';
import { RULES_VERSION } from '../schemas/simulation.ts';
import type { Benchmark, Integrator, Physics } from '../schemas/simulation.ts';
import type { Compiled } from './engine.ts';

/** Seconds a step that a scene may choose: below, thirty simulated seconds take minutes; above, fast parts pass through thin ones. */
export const TIMESTEP_S_MIN = 0.0002;
export const TIMESTEP_S_MAX = 0.01;

/** The integrator of a scene that names none: it treats the damping of joints and servos implicitly, so that stiff ones stay stable. */
const INTEGRATOR_DEFAULT: Integrator = 'implicitfast';

const INTEGRATORS = {
  Euler: 'mjINT_EULER',
  RK4: 'mjINT_RK4',
  implicit: 'mjINT_IMPLICIT',
  implicitfast: 'mjINT_IMPLICITFAST',
  discrete: 'mjINT_DISCRETE',
} as const satisfies Record<Integrator, string>;

const GRAVITY = [0, 0, -9.81];

/** How a compiled scene is stepped: as it says itself, by `implicitfast` where it says nothing. Throws `invalid_argument` beyond the bounds. */
export function choosePhysics({ mujoco, model }: Compiled, namesIntegrator: boolean): Physics {
  const { timestep, integrator } = model.opt;
  if (!(timestep >= TIMESTEP_S_MIN && timestep <= TIMESTEP_S_MAX))
    throw new AppError(
      'invalid_argument',
      `The scene cannot be simulated: its <option timestep="${timestep}"/> is not within ${TIMESTEP_S_MIN} to ${TIMESTEP_S_MAX} seconds.`,
    );
  const own = Object.keys(INTEGRATORS).find(
    (name) => mujoco.mjtIntegrator[INTEGRATORS[name as Integrator]].value === integrator,
  ) as Integrator | undefined;
  return {
    integrator: namesIntegrator && own !== undefined ? own : INTEGRATOR_DEFAULT,
    timestep_s: timestep,
    rules: RULES_VERSION,
  };
}

/** Sets what a scene may not decide: gravity, medium, which physics is on; and how it is stepped. */
export function enforcePhysics(
  { mujoco, model }: Compiled,
  { integrator, timestep_s }: Physics,
  fluid: Benchmark['fluid'],
): void {
  // `opt` is a view of the model's own memory: not ours to delete.
  const { opt } = model;
  const { mjENBL_SLEEP, mjENBL_IPC } = mujoco.mjtEnableBit;
  opt.timestep = timestep_s;
  opt.integrator = mujoco.mjtIntegrator[INTEGRATORS[integrator]].value;
  // A scene may switch off neither gravity nor contacts. With autoreset, a diverged scene would silently restart at time 0.
  opt.disableflags = mujoco.mjtDisableBit.mjDSBL_AUTORESET.value;
  opt.disableactuator = 0;
  // Sleeping bodies are not stepped by RK4; contacts of the experimental mode for cloth are not told apart from other forces.
  opt.enableflags &= ~(mjENBL_SLEEP.value | mjENBL_IPC.value);
  opt.density = fluid?.density_kg_m3 ?? 0;
  opt.viscosity = fluid?.viscosity_pa_s ?? 0;
  opt.gravity.set(GRAVITY);
  opt.wind.set(fluid?.wind_m_s ?? [0, 0, 0]);
}
