import type { Json } from '../../src/schemas/primitives.ts';
import { Transcript } from '../../src/schemas/transcript.ts';
import type { TranscriptLine } from '../../src/schemas/transcript.ts';

/** What a synthetic transcript is made of. */
export type SyntheticOptions = {
  /** Thoughts that ask for calls; writing a review and finishing come on top. */
  thoughts: number;
  /** Calls of each thought, which make `thoughts × (1 + width) + 4` steps, and two more with `simulate`. */
  width: number;
  /** Seconds that model and commands take together: half of each thought's share is thinking, half a command. */
  seconds: number;
  /** Writes `SCENE` in the first thought and simulates it in the middle one. */
  simulate?: boolean;
};

/**
 * A transcript for the agent `single_engineer` of any length and width: each thought asks for a command that prints and
 * waits, then for files to be written, listed and read. It ends approved. Played as the input `/transcript.json` with the model
 * `scripted:transcript`; the commands need a sandbox that runs.
 */
export function syntheticTranscript({ thoughts, width, seconds, simulate = false }: SyntheticOptions): Transcript {
  const share_s = seconds / Math.max(1, thoughts);
  const middle = Math.floor(thoughts / 2);
  const lines = Array.from({ length: thoughts }, (_, thought): TranscriptLine => {
    const calls = Array.from({ length: width }, (_, index) => callOf({ thought, index, wait_s: share_s / 2 }));
    if (simulate && thought === 0)
      calls.push(call('write_file', { path: '/scene.xml', content: SCENE, overwrite: true }));
    if (simulate && thought === middle) calls.push(call('simulate', { scene_path: '/scene.xml', seed: 0 }));
    return { text: `Thought ${thought + 1} of ${thoughts}.`, calls, thinking_ms: Math.round((share_s / 2) * 1000) };
  });
  return Transcript.parse({ lines: { engineer: [...lines, ...APPROVAL] } });
}

/** An episode of about eight seconds that simulates a scene of two: the transcript, and the files to start it with. */
export function synthetic8s(): { transcript: Transcript; files: Record<string, string> } {
  const transcript = syntheticTranscript({ thoughts: 6, width: 2, seconds: 4, simulate: true });
  return {
    transcript,
    files: { '/transcript.json': JSON.stringify(transcript), '/benchmark_definition.yaml': BENCHMARK_YAML },
  };
}

/** A ball that falls into a box and lies there: with `BENCHMARK_YAML` it succeeds after about two simulated seconds. */
export const SCENE = `<mujoco model="drop">
<default><geom solref="0.004 1"/></default>
<worldbody>
<geom type="plane" size="1 1 0.1" rgba="0.9 0.9 0.9 1"/>
<body name="ball" pos="0 0 0.1"><freejoint name="ball_joint"/><geom type="sphere" size="0.02" mass="0.03" condim="6" friction="0.8 0.02 0.01" rgba="1 0.8 0.1 1"/></body>
<body name="box">
  <geom type="box" pos="0.06 0 0.015" size="0.005 0.06 0.015"/><geom type="box" pos="-0.06 0 0.015" size="0.005 0.06 0.015"/>
  <geom type="box" pos="0 0.06 0.015" size="0.06 0.005 0.015"/><geom type="box" pos="0 -0.06 0.015" size="0.06 0.005 0.015"/>
</body>
</worldbody>
</mujoco>
`;

/** What `SCENE` is judged by: the ball has to lie still in the box for 1.6 s. */
export const BENCHMARK_YAML = `payload:
  label: ball
  shape: sphere
  radius: [20, 20]
  start_position: [0, 0, 100]
  runtime_jitter: [5, 5, 3]
objectives:
  goal_zone: { min: [-70, -70, 0], max: [70, 70, 60] }
  build_zone: { min: [-200, -200, 0], max: [200, 200, 200] }
simulation_bounds: { min: [-300, -300, -100], max: [300, 300, 300] }
constraints: { max_unit_cost: 10, max_weight_g: 100 }
physics:
  max_duration_s: 5
  settled: { speed_m_s: 0.05, for_s: 1.6 }
`;

const call = (name: string, args: Record<string, Json>) => ({ name, args });

const APPROVAL: TranscriptLine[] = [
  {
    text: 'I write down what I checked.',
    calls: [call('write_file', { path: '/review.md', content: 'All calls were made.\n', overwrite: true })],
    thinking_ms: 0,
  },
  {
    text: 'It is done.',
    calls: [call('finish', { decision: 'APPROVED', reason: 'all calls were made', review_path: '/review.md' })],
    thinking_ms: 0,
  },
];

/** The call at a place of a thought: first a command, which takes `wait_s`, then files written, listed and read in turn. */
function callOf({ thought, index, wait_s }: { thought: number; index: number; wait_s: number }) {
  const note = (at: number) => `/notes/${thought}-${at}.md`;
  if (index === 0)
    return call('execute_command', { command: `echo thought ${thought}; sleep ${wait_s.toFixed(3)}; echo done >&2` });
  if (index % 3 === 1) return call('write_file', { path: note(index), content: `# Note ${thought}-${index}\n` });
  if (index % 3 === 2) return call('list_files', { path: '/notes' });
  return call('read_file', { path: note(index - 2) });
}
