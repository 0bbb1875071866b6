// Whole episodes, with forks, thought by six servers of models that answer each in a form of its own, fail in ways of their own, and
// refuse what strict servers refuse. What is on record is what they said, and the tokens are those that they count themselves.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getEpisode } from '../../../../src/db/read/episodes.ts';
import type { Episode } from '../../../../src/schemas/episode.ts';
import { ThoughtOutput } from '../../../../src/schemas/step.ts';
import { createDeployment } from '../../../support/deployment.ts';
import type { Deployment } from '../../../support/deployment.ts';
import { startFork } from '../../../support/fork.ts';
import { expectTrueRecord, stepsOf } from '../../../support/record.ts';
import { REASONING, TURNS } from '../../../support/six-forms.ts';
import { startSixServers } from '../../../support/six-servers.ts';
import type { SixServers } from '../../../support/six-servers.ts';

const SERVERS = ['deepseek', 'gemini', 'vllm', 'ollama', 'openrouter', 'mistral'] as const;
const PRICE = { input: 3, cached: 1, output: 10 };
/** After its first thought, whose calls are still to run. */
const FORKED_AFTER = 1;

let deployment: Deployment;
let servers: SixServers;
let folder: string;
const played = new Map<string, { episode: Episode; fork: Episode }>();

beforeAll(async () => {
  servers = await startSixServers();
  folder = await mkdtemp(join(tmpdir(), 'observatory-six-'));
  const models = { engineer: { model: 'engineer-latest' } };
  const endpoints = Object.fromEntries(
    SERVERS.map((name) => [
      name,
      {
        base_url: servers.base_url(name),
        models,
        ...(name === 'deepseek' && { prices: { 'engineer-latest': PRICE } }),
        ...(name === 'mistral' && { alternate_roles: true }),
      },
    ]),
  );
  const file = join(folder, 'observatory.config.ts');
  await writeFile(file, `export default ${JSON.stringify({ models: { endpoints } })};\n`);
  deployment = await createDeployment();
  await deployment.startWorker({ OBSERVATORY_CONFIG: file });
  await Promise.all(
    SERVERS.map(async (name) => {
      const episode = await deployment.accept({ agent: 'single_engineer', model: `${name}:engineer` });
      await deployment.workflows.startEpisode(episode);
      await end(episode);
      const fork = await startFork(deployment, episode, { seq: FORKED_AFTER, text: 'mind the corridor' });
      await end(fork);
      const [first, second] = await Promise.all(
        [episode, fork].map(({ id }) => getEpisode(deployment.database.db, id)),
      );
      if (first && second) played.set(name, { episode: first, fork: second });
    }),
  );
}, 240_000);
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const end = ({ workflow_id }: Episode) =>
  // How it ended is in the record.
  deployment.workflows.client.workflow
    .getHandle(workflow_id)
    .result()
    .catch(() => {});

function episodesOf(name: string): { episode: Episode; fork: Episode } {
  const both = played.get(name);
  if (!both) throw new Error(`${name} has not played`);
  return both;
}

test.each(SERVERS)('%s: episode and fork are approved, and their record is true', async (name) => {
  const { episode, fork } = episodesOf(name);
  const told = {
    refused: servers.refused(name),
    ends: [episode, fork].map((one) => one.failure ?? one.terminal_reason),
  };
  const limited = told.refused.filter((words) => words.includes('maximum context length'));
  expect(told).toEqual({ refused: limited, ends: ['APPROVED', 'APPROVED'] });
  expect(limited.length > 0).toBe(name === 'vllm');
  await expectTrueRecord(deployment, episode.id);
  await expectTrueRecord(deployment, fork.id);
});

test.each(SERVERS)('%s: tokens of each kind are those that it counts itself, over retries and a fork', (name) => {
  const { episode, fork } = episodesOf(name);
  const sum = (of: (one: Episode) => number) => of(episode) + of(fork);
  const recorded = {
    input: sum((one) => one.input_tokens),
    cached: sum((one) => one.cached_tokens),
    output: sum((one) => one.output_tokens),
    reasoning: sum((one) => one.reasoning_tokens),
  };
  const counted = servers.counted(name);
  expect(recorded).toEqual(counted);
  const { input, cached, output } = counted;
  const usd = ((input - cached) * PRICE.input + cached * PRICE.cached + output * PRICE.output) / 1_000_000;
  const costs = [episode.usd, fork.usd].map((one) => one ?? Number.NaN);
  const rounded = Math.round(costs.reduce((all, one) => all + one) * 1e9) / 1e9;
  expect(rounded).toBe(name === 'deepseek' ? Math.round(usd * 1e9) / 1e9 : Number.NaN);
});

test.each(SERVERS)('%s: every thought is on record with its reasoning, as it was said', async (name) => {
  const steps = await stepsOf(deployment, episodesOf(name).episode.id);
  const thoughts = steps.filter(({ kind }) => kind === 'thought').map(({ output }) => ThoughtOutput.parse(output));
  expect(thoughts.map(({ tool_calls }) => tool_calls.map((call) => call.name))).toEqual(
    TURNS.map((calls) => calls.map((call) => call.name)),
  );
  // Of one of them the reasoning is counted, and told to nobody.
  const said = name === 'gemini' ? TURNS.map(() => undefined) : REASONING;
  expect(thoughts.map(({ reasoning }) => reasoning)).toEqual(said);
});

test('what its context does not hold is shortened, and asked again', async () => {
  const steps = await stepsOf(deployment, episodesOf('vllm').episode.id);
  const shortened = steps.flatMap(({ output, kind }) =>
    kind === 'thought' ? (ThoughtOutput.parse(output).compaction ?? []) : [],
  );
  expect(shortened.length).toBeGreaterThan(0);
  for (const { previous_length, compacted_length } of shortened) expect(compacted_length).toBeLessThan(previous_length);
});
