import { expect, test } from 'vitest';
import { createAgents } from '../../../src/agents/agents.ts';
import { parseBenchmarkDefinition } from '../../../src/simulation/benchmark-definition.ts';
import { performSimulation } from '../../../src/simulation/perform.ts';
import { createRegistry } from '../../../src/agents/tools/registry.ts';
import { Transcript } from '../../../src/schemas/transcript.ts';
import { BENCHMARK_YAML, SCENE, synthetic8s, syntheticTranscript } from '../../support/synthetic.ts';

const { get: getAgent } = createAgents(new Map());

const linesOf = (transcript: Transcript) => transcript.lines['engineer'] ?? [];
const stepsOf = (transcript: Transcript) => linesOf(transcript).reduce((sum, { calls }) => sum + 1 + calls.length, 0);

test.each([
  { thoughts: 1, width: 1, seconds: 1, simulate: true },
  { thoughts: 50, width: 7, seconds: 10, simulate: false },
  { thoughts: 200, width: 3, seconds: 0, simulate: true },
])('a synthetic transcript has the length and width that was asked for: %j', (options) => {
  const transcript = syntheticTranscript(options);
  const simulating = options.simulate ? 2 : 0;
  expect(stepsOf(transcript)).toBe(options.thoughts * (1 + options.width) + 4 + simulating);
  const thinking = linesOf(transcript).reduce((sum, { thinking_ms }) => sum + thinking_ms, 0);
  expect(thinking).toBeCloseTo((options.seconds * 1000) / 2, -2);
});

test('every call of a synthetic transcript is one that the single engineer may make', () => {
  const registry = createRegistry();
  const tools = getAgent('single_engineer').roles.flatMap((role) => role.tools);
  const transcript = syntheticTranscript({ thoughts: 5, width: 8, seconds: 1, simulate: true });
  for (const { name, args } of linesOf(transcript).flatMap(({ calls }) => calls)) {
    expect(tools).toContain(name);
    expect(registry.get(name)?.input.safeParse(args)).toMatchObject({ success: true });
  }
});

test('the episode of eight seconds brings its transcript and a benchmark', () => {
  const { transcript, files } = synthetic8s();
  expect(Transcript.parse(JSON.parse(files['/transcript.json'] ?? ''))).toEqual(transcript);
  expect(parseBenchmarkDefinition(files['/benchmark_definition.yaml'] ?? '').payload.name).toBe('ball');
});

test('its scene succeeds from every spawn after about two simulated seconds', async () => {
  const benchmark = parseBenchmarkDefinition(BENCHMARK_YAML);
  const scene = { xml: SCENE, files: new Map<string, Uint8Array>() };
  const { result } = await performSimulation({ scene, benchmark, seed: 0, render: false });
  expect(result).toMatchObject({ success: true, robustness: 1 });
  expect(result.time_s).toBeGreaterThan(1.6);
  expect(result.time_s).toBeLessThan(2.5);
});
