/**
 * Goal: the commands of docs/your-own-benchmark.md work as they are written there.
 * Method: its shell blocks are cut out of the document and run by bash, in their order, against a real API, worker,
 * database, object store and Temporal; then the record is asked what they did. The one block that needs a model is left out.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { expectTrueRecord, stepsOf } from '../../support/record.ts';
import { ROOT, startApi } from '../../support/api-process.ts';
import type { ApiProcess, Outcome } from '../../support/api-process.ts';

const DURATION_MS_MAX = 180_000;

let deployment: Deployment;
let api: ApiProcess;
beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.startWorker();
  api = await startApi(deployment);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await deployment[Symbol.asyncDispose]();
});

function bash(script: string): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...api.env };
  return new Promise((settle) => {
    execFile('bash', ['--norc', '-euo', 'pipefail', '-c', script], { cwd: ROOT, env }, (error, out, err) => {
      settle({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

test(
  'the commands of the worked example run as written, to two approved episodes with film and judgement',
  { timeout: DURATION_MS_MAX },
  async () => {
    const document = await readFile(join(ROOT, 'docs/your-own-benchmark.md'), 'utf8');
    const blocks = [...document.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block!);
    const runnable = blocks.filter((block) => !block.includes('# needs-a-model'));
    expect([blocks.length, runnable.length]).toEqual([5, 4]);

    const outcomes: Outcome[] = [];
    for (const block of runnable) outcomes.push(await bash(block));
    expect(outcomes.map(({ code, err }) => ({ code, err }))).toEqual(runnable.map(() => ({ code: 0, err: '' })));
    const [agents, played, seen, decided] = outcomes.map(({ out }) => out);
    expect(agents).toContain('single_engineer: ');
    expect(played).toMatch(/Status: +completed \(APPROVED\)/);
    expect(seen).toContain('/sim.mp4');
    expect(decided).toContain('approval');

    const episodes = await deployment.database.db
      .selectFrom('episodes')
      .select(['id', 'status', 'terminal_reason', 'tags'])
      .orderBy('id')
      .execute();
    expect(episodes.map(({ status, terminal_reason, tags }) => [status, terminal_reason, tags])).toEqual([
      ['completed', 'APPROVED', ['my-benchmark']],
      ['completed', 'APPROVED', ['my-benchmark']],
    ]);
    for (const { id } of episodes) {
      await expectTrueRecord(deployment, id);
      const simulations = (await stepsOf(deployment, id)).filter(({ kind }) => kind === 'simulation');
      expect(simulations.map(({ output }) => output)).toMatchObject([
        { result: { success: false, failure_reason: 'OUT_OF_BOUNDS' } },
        { result: { success: true, robustness: 1 } },
      ]);
    }
    const approval = (await stepsOf(deployment, episodes[1]!.id)).find(({ name }) => name === 'approval');
    expect(approval).toMatchObject({
      kind: 'human',
      status: 'ok',
      output: { content: 'I have seen the film.', result: { author: 'Ada' } },
    });
  },
);
