/**
 * Goal: the commands of docs/your-own-agent.md work as they are written there, and its agent is the example's.
 * Method: its shell blocks are cut out of the document and run by bash, in their order, against real servers; the block that
 * starts the system in another terminal is stood in for by a worker with the variable that it sets.
 */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf } from '../../support/record.ts';
import { ROOT, startApi } from '../../support/api-process.ts';
import type { ApiProcess, Outcome } from '../../support/api-process.ts';

const DURATION_MS_MAX = 180_000;
/** The folder that the document makes. It lies in the clone, where LangGraph is found. */
const FOLDER = join(ROOT, 'my-agent');

let deployment: Deployment;
let api: ApiProcess | undefined;
beforeAll(async () => {
  await rm(FOLDER, { recursive: true, force: true });
  deployment = await createDeployment();
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
  await rm(FOLDER, { recursive: true, force: true });
});

function bash(script: string): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...(api?.env ?? deployment.env) };
  return new Promise((settle) => {
    execFile('bash', ['--norc', '-euo', 'pipefail', '-c', script], { cwd: ROOT, env }, (error, out, err) => {
      settle({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

test(
  'from an empty folder to an own recorded, replayed, forked episode, by the commands as they are written',
  { timeout: DURATION_MS_MAX },
  async () => {
    const document = await readFile(join(ROOT, 'docs/your-own-agent.md'), 'utf8');
    const blocks = [...document.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block!);
    const [folder, start, ...rest] = blocks;
    expect(rest).toHaveLength(3);
    expect((await bash(folder!)).err).toBe('');
    const written = await readFile(join(FOLDER, 'observatory.config.ts'), 'utf8');
    expect(written).toBe(await readFile(join(ROOT, 'examples/own-agent/observatory.config.ts'), 'utf8'));

    const [, name, path] = /(OBSERVATORY_CONFIG)=(\S+)/.exec(start!)!;
    deployment.env[name!] = join(ROOT, path!);
    await deployment.startWorker();
    api = await startApi(deployment);
    const outcomes: Outcome[] = [];
    for (const block of rest) outcomes.push(await bash(block));
    expect(outcomes.map(({ code, err }) => ({ code, err }))).toEqual(rest.map(() => ({ code: 0, err: '' })));
    const [played, seen, forked] = outcomes.map(({ out }) => out);
    expect(played).toMatch(/Status: +completed \(APPROVED\)/);
    expect(seen).toContain('/report.md');
    expect(forked).toContain('deterministic: ');
    expect(forked).toMatch(/Status: +completed \(APPROVED\)/);

    const episodes = await deployment.database.db.selectFrom('episodes').select('id').orderBy('id').execute();
    const [source, fork] = episodes.map(({ id }) => id);
    for (const { id } of episodes) await expectTrueRecord(deployment, id);
    const steps = await stepsOf(deployment, fork!);
    expect(steps.map((step) => [step.name, step.episode_id === source])).toEqual([
      ['think', true],
      ['beam_moment', true],
      ['think', false],
      ['write_report', false],
      ['think', false],
    ]);
  },
);
