import { z } from 'zod';
import { JITTERED_SCENES } from '../../schemas/simulation.ts';
import type { SimulationResult } from '../../schemas/simulation.ts';
import { RENDERS } from '../../storage/backends/agent-files.ts';
import { parseAgentPath } from '../../storage/policy.ts';
import { parseBenchmarkDefinition } from '../../simulation/benchmark-definition.ts';
import { CALAMITIES } from '../../simulation/judge.ts';
import { RULES_FOR_AGENTS } from '../../simulation/rules-for-agents.ts';
import { resolveScene } from '../../simulation/scene-files.ts';
import { runSimulation } from '../../simulation/run-simulation.ts';
import { defineTool, PathArgument, pick } from './tool.ts';
import type { EndedCall, Fact, ToolContext } from './tool.ts';

/** The file by which scenes are judged. It is read from the episode's inputs, where no agent can move the goal. */
export const BENCHMARK_PATH = '/benchmark_definition.yaml';

/** A simulation's arguments. */
export const Simulate = z.strictObject({
  scene_path: PathArgument.default('/scene.xml').describe(
    'the MJCF scene; the files that it names lie in the workspace',
  ),
  seed: z.number().int().min(0).max(1_000_000).default(0).describe('0 is the nominal spawn, others jitter it'),
});

const Simulated = z.object({ success: z.boolean(), robustness: z.number() });

/** The tool that runs a scene in MuJoCo, judges it by the benchmark and films it. */
export const simulate = defineTool({
  name: 'simulate',
  description: `Simulates the scene, judges it by the benchmark (goal, zones, bounds, stability, five jittered spawns) and films it into /renders.
${RULES_FOR_AGENTS}`,
  kind: 'simulation',
  read_only: true,
  input: Simulate,
  facts: factsOfSimulation,
  scores(result) {
    const { success, data } = Simulated.safeParse(result);
    if (!success) return [];
    return [
      { name: 'goal_reached', value: data.success },
      { name: 'robustness', value: data.robustness },
    ];
  },
  subject: ({ scene_path, seed }) =>
    `${typeof scene_path === 'string' ? scene_path : '/scene.xml'} seed ${Number(seed ?? 0)}`,
  async run({ scene_path, seed }, context) {
    const { step, log, progress, signal } = context;
    const benchmark = parseBenchmarkDefinition(Buffer.from(await context.readInput(BENCHMARK_PATH)).toString('utf8'));
    const scene = await readScene(scene_path, context);
    log.write('system', `simulating ${scene_path} with seed ${seed}`);
    const { result, files, timing } = await runSimulation({
      scene,
      benchmark,
      seed,
      signal,
      onProgress: (now) => progress({ ...now }),
    });
    log.write(
      'system',
      `simulated ${result.time_s} s in ${Math.round(timing.compute_time_ms)} ms: ${outcomeOf(result)}`,
    );
    const simulation_run = `sim-${step.seq}`;
    const uris = new Map<string, string>();
    for (const { path, bytes } of files) {
      const clock = path.endsWith('.mp4') ? result.video : undefined;
      const { uri } = await context.render(`${RENDERS}/${simulation_run}/${path}`, bytes, clock ? { clock } : {});
      uris.set(path, uri);
    }
    const video_url = uris.get('sim.mp4') ?? null;
    return {
      content: `${outcomeOf(result)} Robustness ${robustnessOf(result)}. Result: [Video](${video_url})`,
      result: {
        simulation_run,
        video_url,
        video_path: `${RENDERS}/${simulation_run}/sim.mp4`,
        success: result.success,
        failure_reason: result.failure_reason,
        detail: result.detail,
        robustness: result.robustness,
        time_s: result.time_s,
        trajectory_sha256: result.trajectory_sha256,
        compute_time_ms: Math.round(timing.compute_time_ms),
      },
    };
  },
});

/** The scene and exactly the files that it names; each is on record as an input. */
async function readScene(path: string, { files, usedFile }: ToolContext) {
  const scene = await resolveScene(parseAgentPath(path), {
    locate: parseAgentPath,
    read: (file) => files.readBytes(file),
  });
  for (const file of scene.inputs) usedFile(file);
  return scene;
}

const outcomeOf = ({ success, failure_reason, detail }: SimulationResult) =>
  success ? detail : `${failure_reason}: ${detail}`;

const robustnessOf = ({ robustness, jitters }: SimulationResult) =>
  `${Math.round(robustness * jitters.length)}/${jitters.length || JITTERED_SCENES}`;

function factsOfSimulation({ args, result }: EndedCall): Fact[] {
  const { success = null, failure_reason = null, detail = null, time_s = null } = result;
  const facts: Fact[] = [
    { type: 'simulation_request', payload: { script_path: args['scene_path'] ?? null } },
    {
      type: 'simulation_result',
      payload: {
        success,
        failure_reason,
        ...(success === false && { failure: { reason: failure_reason, detail } }),
        time_elapsed_s: time_s,
        compute_time_ms: result['compute_time_ms'] ?? null,
        simulation_run_id: result['simulation_run'] ?? null,
        metadata: { ...pick(args, 'seed'), ...pick(result, 'robustness', 'trajectory_sha256', 'video_url') },
      },
    },
  ];
  if (CALAMITIES.has(failure_reason))
    facts.push({
      type: 'simulation_instability',
      payload: { instability_type: failure_reason, part_ids: [], message: detail },
    });
  return facts;
}
