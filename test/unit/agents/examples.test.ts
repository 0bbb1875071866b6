// Each example can be started as it lies: its request is one that the API accepts, and its inputs are there.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createAgents } from '../../../src/agents/agents.ts';
import { findScript, listScripts } from '../../../src/agents/scripts/scripts.ts';
import { parseBenchmarkDefinition } from '../../../src/simulation/benchmark-definition.ts';
import { StartEpisode } from '../../../src/schemas/episode.ts';

const { get: getAgent } = createAgents(new Map());

const EXAMPLES = join(import.meta.dirname, '../../../examples');
/** Those that a script plays; one that plays a transcript is started by a test of its own. */
const PATHS = globSync('*/request.json', { cwd: EXAMPLES }).filter(
  (path) => !readFileSync(join(EXAMPLES, path), 'utf8').includes('"scripted:transcript"'),
);
const Inputs = z.object({ inputs: z.array(z.strictObject({ path: z.string(), file: z.string() })) });

test('every script has an example of its name', () => {
  expect(PATHS.map((path) => dirname(path)).toSorted()).toEqual(
    listScripts()
      .map(({ name }) => name)
      .toSorted(),
  );
});

test.each(PATHS)('%s asks for an episode that can be started', (path) => {
  const text: unknown = JSON.parse(readFileSync(join(EXAMPLES, path), 'utf8'));
  const { inputs } = Inputs.parse(text);
  const request = StartEpisode.parse({
    ...(text as object),
    inputs: inputs.map((input) => ({ path: input.path, sha256: '0'.repeat(64) })),
  });
  const script = findScript(request.model.replace('scripted:', ''));
  expect(script?.name).toBe(dirname(path));
  const roles = getAgent(request.agent).roles.map(({ name }) => name);
  expect(Object.keys(script?.lines ?? {}).toSorted()).toEqual(roles.toSorted());
  for (const { file } of inputs)
    expect(parseBenchmarkDefinition(readFileSync(join(EXAMPLES, dirname(path), file), 'utf8')).limits.weight_g).toBe(
      1600,
    );
});
