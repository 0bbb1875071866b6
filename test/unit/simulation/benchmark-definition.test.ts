import { describe, expect, it } from 'vitest';
import { parseBenchmarkDefinition } from '../../../src/simulation/benchmark-definition.ts';
import { BENCHMARK_YAML } from './scenes.ts';

describe('a benchmark definition', () => {
  it('is read from millimetres into metres', () => {
    expect(parseBenchmarkDefinition(BENCHMARK_YAML)).toEqual({
      payload: {
        name: 'projectile_ball',
        radius_m: { min: 0.038, max: 0.04 },
        start_m: [-0.5, 0, 0.115],
        jitter_m: [0.012, 0.008, 0.005],
      },
      goal_zone: { min: [0.43, -0.055, 0.02], max: [0.53, 0.055, 0.105] },
      forbidden_zones: { cable_corridor: { min: [-0.56, -0.16, 0], max: [-0.3, -0.07, 0.06] } },
      build_zone: { min: [-0.56, -0.16, 0], max: [0.56, 0.16, 0.19] },
      simulation_bounds: { min: [-0.62, -0.21, -0.01], max: [0.62, 0.21, 0.24] },
      limits: { cost_usd: 85, weight_g: 1600 },
      duration_max_s: 30,
      kinetic_energy_max_j: 20,
      settled: { speed_m_s: 0.02, for_s: 0.25 },
    });
  });

  it.each([
    ['a goal that is inside out', ['min: [430, -55, 20]', 'min: [630, -55, 20]'], /goal_zone.*min must lie below max/],
    ['a missing coordinate', ['[12, 8, 5]', '[12, 8]'], /payload\.runtime_jitter/],
    ['a misspelt member', ['max_unit_cost', 'max_unit_price'], /constraints/],
    ['more than 30 s', ['max_duration_s: 30', 'max_duration_s: 31'], /duration_max_s/],
    ['another engine', ['backend: MUJOCO', 'backend: GENESIS'], /physics\.backend/],
    ['text that is no YAML', ['payload:', 'payload: ['], /benchmark_definition\.yaml/],
    ['an alias', ['# Move', 'anchor: &a 1\nother: *a\n# Move'], /alias/i],
  ])('with %s is refused by the name of the member', (_what, [from = '', to = ''], message) => {
    expect(() => parseBenchmarkDefinition(BENCHMARK_YAML.replace(from, to))).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(message) }),
    );
  });

  it('with two zones of one name is refused', () => {
    const zone = '    - { name: cable_corridor, min: [-560, -160, 0], max: [-300, -70, 60] }\n';
    expect(() => parseBenchmarkDefinition(BENCHMARK_YAML.replace(zone, zone + zone))).toThrow(/occurs twice/);
  });
});
