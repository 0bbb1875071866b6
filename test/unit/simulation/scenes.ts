import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBenchmarkDefinition } from '../../../src/simulation/benchmark-definition.ts';
import type { SceneFiles } from '../../../src/simulation/scene.ts';
import type { Benchmark } from '../../../src/schemas/simulation.ts';
import { runSolutionScript } from '../agents/solution-script.ts';

const EXAMPLE = join(import.meta.dirname, '../../../examples/sideways-transfer');

/** The demo's benchmark definition, as its file says it. */
export const BENCHMARK_YAML = readFileSync(join(EXAMPLE, 'benchmark_definition.yaml'), 'utf8');

/** The scene that the agent's script writes with a funnel of this width in millimetres. */
export function transferScene(funnelWidth: number): SceneFiles {
  const { xml, stl } = runSolutionScript(funnelWidth);
  return { xml, files: new Map([['funnel.stl', new Uint8Array(stl)]]) };
}

/** The demo's benchmark: six simulated seconds. */
export const transferBenchmark = (): Benchmark => parseBenchmarkDefinition(BENCHMARK_YAML);

/** A benchmark that a ball meets within half a second by falling onto a tray at the origin. */
export function dropBenchmark(changes: Partial<Benchmark> = {}): Benchmark {
  return {
    payload: {
      name: 'ball',
      radius_m: { min: 0.02, max: 0.02 },
      start_m: [0, 0, 0.06],
      jitter_m: [0.003, 0.003, 0.002],
    },
    goal_zone: { min: [-0.05, -0.05, 0], max: [0.05, 0.05, 0.05] },
    forbidden_zones: { chute: { min: [0.1, -0.05, 0], max: [0.15, 0.05, 0.1] } },
    build_zone: { min: [-0.2, -0.2, 0], max: [0.2, 0.2, 0.2] },
    simulation_bounds: { min: [-0.3, -0.3, -0.1], max: [0.3, 0.3, 0.3] },
    limits: { cost_usd: 10, weight_g: 100 },
    duration_max_s: 1,
    kinetic_energy_max_j: 5,
    settled: { speed_m_s: 0.05, for_s: 0.1 },
    ...changes,
  };
}

const BALL = '<geom type="sphere" size="0.02" mass="0.03" rgba="1 0.8 0.1 1"/>';

/** The drop scene: a floor, a ball, and whatever else. */
export function dropScene({
  world = '',
  ball = BALL,
  joint = '<freejoint/>',
  rest = '',
  option = '',
  floor = true,
} = {}): SceneFiles {
  const ground = floor ? '<geom type="plane" size="1 1 0.1" rgba="0.9 0.9 0.9 1"/>' : '';
  const xml = `<mujoco>${option}<default><geom solref="0.004 1"/></default>${rest}<worldbody>${ground}
    <body name="ball" pos="0 0 0.06">${joint}${ball}</body>${world}</worldbody></mujoco>`;
  return { xml, files: new Map() };
}
