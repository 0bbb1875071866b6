import { parse } from 'yaml';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Benchmark, PayloadDrive, SIMULATED_DURATION_S_MAX, Vector3 } from '../schemas/simulation.ts';

/** A benchmark definition takes a few kilobytes; more is a mistake or an attack on the parser. */
const DEFINITION_CHARS_MAX = 64 * 1024;
const MM_PER_M = 1000;

const Box = z.strictObject({ min: Vector3, max: Vector3 });

/** The file as agents read it: the words of the agents' code base, lengths in millimetres. */
const BenchmarkDefinition = z.strictObject({
  payload: z.strictObject({
    label: z.string(),
    shape: z.literal('sphere'),
    material: z.string().optional(),
    /** Smallest and largest radius. */
    radius: z.tuple([z.number(), z.number()]),
    start_position: Vector3,
    runtime_jitter: Vector3,
  }),
  objectives: z.strictObject({
    goal_zone: Box,
    forbid_zones: z.array(z.strictObject({ name: z.string(), min: Vector3, max: Vector3 })).default([]),
    build_zone: Box,
  }),
  simulation_bounds: Box,
  constraints: z.strictObject({ max_unit_cost: z.number(), max_weight_g: z.number() }),
  physics: z
    .strictObject({
      backend: z.literal('MUJOCO').default('MUJOCO'),
      max_duration_s: z.number().default(SIMULATED_DURATION_S_MAX),
      max_kinetic_energy_j: z.number().default(20),
      settled: z.strictObject({ speed_m_s: z.number().default(0.02), for_s: z.number().default(0.25) }).prefault({}),
      fluid: z
        .strictObject({
          density_kg_m3: z.number(),
          viscosity_pa_s: z.number().default(0),
          wind_m_s: Vector3.default([0, 0, 0]),
        })
        .optional(),
      allowed: z.array(PayloadDrive).optional(),
    })
    .prefault({}),
});

/**
 * The benchmark that a `benchmark_definition.yaml` (millimetres, US dollars, grams) describes, in metres. Throws
 * `invalid_argument` that names the member that is wrong.
 */
export function parseBenchmarkDefinition(yamlText: string): Benchmark {
  if (yamlText.length > DEFINITION_CHARS_MAX)
    throw new AppError('resource_exhausted', `benchmark_definition.yaml exceeds ${DEFINITION_CHARS_MAX} characters`);
  const { payload, objectives, simulation_bounds, constraints, physics } = check(
    BenchmarkDefinition,
    readYaml(yamlText),
  );
  const names = objectives.forbid_zones.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw malformed(`objectives.forbid_zones: the name ${JSON.stringify(twice)} occurs twice`);
  return check(Benchmark, {
    payload: {
      name: payload.label,
      radius_m: { min: payload.radius[0] / MM_PER_M, max: payload.radius[1] / MM_PER_M },
      start_m: metres(payload.start_position),
      jitter_m: metres(payload.runtime_jitter),
    },
    goal_zone: box(objectives.goal_zone),
    forbidden_zones: Object.fromEntries(objectives.forbid_zones.map(({ name, ...zone }) => [name, box(zone)])),
    build_zone: box(objectives.build_zone),
    simulation_bounds: box(simulation_bounds),
    limits: { cost_usd: constraints.max_unit_cost, weight_g: constraints.max_weight_g },
    duration_max_s: physics.max_duration_s,
    kinetic_energy_max_j: physics.max_kinetic_energy_j,
    settled: physics.settled,
    ...(physics.fluid === undefined ? {} : { fluid: physics.fluid }),
    ...(physics.allowed === undefined ? {} : { allowed: physics.allowed }),
  });
}

function readYaml(text: string): unknown {
  try {
    // No aliases: a definition needs none, and they let a few bytes stand for many.
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error), error);
  }
}

function check<Shape extends z.ZodType>(shape: Shape, value: unknown): z.infer<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(`${issue?.path.join('.') || 'document'}: ${issue?.message ?? 'is malformed'}`, parsed.error);
}

function malformed(message: string, cause?: unknown): AppError {
  return new AppError('invalid_argument', `benchmark_definition.yaml: ${message}`, { cause });
}

const metres = ([x, y, z]: Vector3): Vector3 => [x / MM_PER_M, y / MM_PER_M, z / MM_PER_M];
const box = ({ min, max }: { min: Vector3; max: Vector3 }) => ({ min: metres(min), max: metres(max) });
