import { z } from 'zod';
import { Clock } from './artifact.ts';
import { boundedText, Count, Sha256 } from './primitives.ts';

/** The longest time that a benchmark may simulate, in seconds. */
export const SIMULATED_DURATION_S_MAX = 30;

/** How many further scenes, each with its own spawn jitter, the robustness is measured over. */
export const JITTERED_SCENES = 5;

/** The most forbidden zones that a benchmark may have. */
const FORBIDDEN_ZONES_MAX = 32;

/** A point or extent in space: x, y, z; z is up. */
export const Vector3 = z.tuple([z.number(), z.number(), z.number()]);
export type Vector3 = z.infer<typeof Vector3>;

/** A seed: 0 is the nominal spawn, without jitter. */
export const Seed = z.number().int().min(0).max(2_147_483_647);
export type Seed = z.infer<typeof Seed>;

/** An axis-aligned box between two corners, in metres. */
export const Zone = z
  .strictObject({ min: Vector3, max: Vector3 })
  .refine(({ min, max }) => min.every((low, axis) => low < (max[axis] ?? low)), 'min must lie below max on every axis');
export type Zone = z.infer<typeof Zone>;

/** The body that has to reach the goal: a sphere with a free joint. Lengths in metres; `jitter_m` is ± per axis. */
export const Payload = z.strictObject({
  name: boundedText(1, 100),
  radius_m: z.strictObject({ min: z.number().positive(), max: z.number().positive() }),
  start_m: Vector3,
  jitter_m: z.tuple([z.number().min(0), z.number().min(0), z.number().min(0)]),
});
export type Payload = z.infer<typeof Payload>;

/** A medium: density in kg/m³, viscosity in Pa·s, wind in m/s. */
const Fluid = z.strictObject({
  density_kg_m3: z.number().min(0).max(20_000),
  viscosity_pa_s: z.number().min(0).max(1_000),
  wind_m_s: Vector3,
});

/** What a benchmark may allow to move the payload: contacts that pull, and surfaces that run without a motor, as belts do. */
export const PayloadDrive = z.enum(['adhesion', 'moving_surfaces']);
export type PayloadDrive = z.infer<typeof PayloadDrive>;

/** What a scene is judged by, in metres, seconds and joules: the side of the bargain that an agent's scene cannot change. */
export const Benchmark = z.strictObject({
  payload: Payload,
  goal_zone: Zone,
  forbidden_zones: z
    .record(boundedText(1, 100), Zone)
    .refine((zones) => Object.keys(zones).length <= FORBIDDEN_ZONES_MAX, `at most ${FORBIDDEN_ZONES_MAX} zones`),
  build_zone: Zone,
  simulation_bounds: Zone,
  limits: z.strictObject({ cost_usd: z.number().positive(), weight_g: z.number().positive() }),
  duration_max_s: z.number().positive().max(SIMULATED_DURATION_S_MAX),
  kinetic_energy_max_j: z.number().positive(),
  /** The payload has arrived when it was slower than this inside the goal zone for so long. */
  settled: z.strictObject({ speed_m_s: z.number().positive(), for_s: z.number().min(0) }),
  /** The medium that fills the scene; absent: none. */
  fluid: Fluid.optional(),
  /** What may move the payload besides gravity, the medium and touch. */
  allowed: z.array(PayloadDrive).optional(),
});
export type Benchmark = z.infer<typeof Benchmark>;

/**
 * Why a simulation failed, in the words that the agents' code base uses, and in ours from `PAYLOAD_DRIVEN` on: something other than
 * gravity and touch moved the payload, the state was no longer finite, contacts did not fit into memory, the engine gave up.
 * `NONE` when it succeeded.
 */
export const FailureReason = z.enum([
  'TIMEOUT',
  'OUT_OF_BOUNDS',
  'FORBID_ZONE_HIT',
  'PART_BREAKAGE',
  'MOTOR_OVERLOAD',
  'STABILITY_ISSUE',
  'PHYSICS_INSTABILITY',
  'SHORT_CIRCUIT',
  'OVERCURRENT',
  'WIRE_TORN',
  'OPEN_CIRCUIT',
  'PAYLOAD_DRIVEN',
  'STATE_DIVERGED',
  'ARENA_FULL',
  'ENGINE_FAILED',
  'NONE',
]);
type FailureReason = z.infer<typeof FailureReason>;

/** How one simulated spawn ended. `detail` is a sentence for the agent; the two states of `success` exclude each other's reasons. */
export const Outcome = z.discriminatedUnion('success', [
  z.object({ success: z.literal(true), failure_reason: z.literal('NONE'), detail: z.string() }),
  z.object({ success: z.literal(false), failure_reason: FailureReason.exclude(['NONE']), detail: z.string() }),
]);
export type Outcome = z.infer<typeof Outcome>;

/** The outcome of one spawn: simulated seconds and steps until the outcome, and the hash of positions and velocities of every step. */
const Trial = z.object({ time_s: z.number().min(0), steps: Count, trajectory_sha256: Sha256 });

/** One of the jittered scenes that the robustness is measured over. Its seed is derived from the simulation's. */
export const JitteredTrial = z.intersection(Outcome, z.object({ seed: Count, ...Trial.shape }));
export type JitteredTrial = z.infer<typeof JitteredTrial>;

/** How MuJoCo steps from one state to the next, as MJCF names it. */
export const Integrator = z.enum(['Euler', 'RK4', 'implicit', 'implicitfast', 'discrete']);
export type Integrator = z.infer<typeof Integrator>;

/** The rules that scenes are judged by today. 1: the payload is its body's origin, and whatever moves it counts. */
export const RULES_VERSION = 2;

/** What makes two runs of one scene the same: how it was stepped, and the version of the rules that judged it. */
export const Physics = z.object({
  integrator: Integrator,
  timestep_s: z.number().positive(),
  rules: z.number().int().min(1).default(1),
});
export type Physics = z.infer<typeof Physics>;

/** What `simulation_result.json` says. The same scene, benchmark, seed and engine give the same bytes: no wall-clock time is in it. */
export const SimulationResult = z.intersection(
  Outcome,
  z.object({
    ...Trial.shape,
    spawn_mm: Vector3,
    end_mm: Vector3,
    seed: Seed,
    engine: z.object({ name: z.string(), version: z.string(), ...Physics.shape }),
    jitters: z.array(JitteredTrial).max(JITTERED_SCENES),
    /** The share of the jittered scenes that succeeded, 0 to 1. */
    robustness: z.number().min(0).max(1),
    /** How the video's frames map to simulated time; absent when no video was asked for. */
    video: Clock.optional(),
  }),
);
export type SimulationResult = z.infer<typeof SimulationResult>;

/** Wall-clock milliseconds that a simulation took, apart from the result because they differ from run to run. */
export const SimulationTiming = z.object({
  compute_time_ms: z.number().min(0),
  simulate_ms: z.number().min(0),
  paint_ms: z.number().min(0),
  encode_ms: z.number().min(0),
});
export type SimulationTiming = z.infer<typeof SimulationTiming>;

/** How far a simulation is: seconds simulated so far, and frames of the video done of those known so far. */
export const SimulationProgress = z.object({ sim_t: z.number().min(0), frame: Count, of: Count });
export type SimulationProgress = z.infer<typeof SimulationProgress>;
