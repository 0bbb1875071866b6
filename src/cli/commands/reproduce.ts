import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { InferResponseType } from 'hono/client';
import { AppError } from '../../errors.ts';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { findConnection } from '../connection.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { printable } from '../text.ts';

/** How often the scores are looked for: a simulation takes seconds to minutes. */
const LOOK_MS = 1_000;
const SECONDS_MAX = 86_400;
const SECONDS_DEFAULT = 900;

type Started = InferResponseType<Client['v1']['episodes'][':id']['reproductions']['$post'], 202>;
type Verdict = { seq: number; reproduced: boolean; comment: string };
type ReproduceOptions = { step?: number; timeout: number; json?: true };

/** Adds `observatory reproduce`: exit code 0 only where every trajectory is equal. */
export function registerReproduce(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  takesEpisode(program.command('reproduce'), connect)
    .description('run an episode’s simulations again, scene and seed as recorded, and compare the trajectories')
    .option('--step <number>', 'only the simulation of this step', integer(1, 2_147_483_647))
    .option('--timeout <seconds>', 'stop waiting after so long', integer(1, SECONDS_MAX), SECONDS_DEFAULT)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory reproduce ${EXAMPLE_ID} --step 35`))
    .action(async (id: string, { step, timeout, json }: ReproduceOptions) => {
      const client = connect();
      const asked = {
        param: { id },
        header: { 'idempotency-key': randomUUID() },
        json: step === undefined ? {} : { step },
      };
      const started = await bodyOf(client.v1.episodes[':id'].reproductions.$post(asked));
      const verdicts = await awaitVerdicts(client, id, { started, timeout_ms: timeout * 1000 });
      if (json) printJson({ ...started, simulations: verdicts });
      else
        for (const { seq, reproduced, comment } of verdicts)
          print(`step ${seq}: ${reproduced ? 'reproduced' : 'NOT REPRODUCED'}: ${printable(comment)}`);
      if (!verdicts.every(({ reproduced }) => reproduced)) process.exitCode = 1;
    });
}

async function awaitVerdicts(
  client: Client,
  id: string,
  { started, timeout_ms }: { started: Started; timeout_ms: number },
): Promise<Verdict[]> {
  const deadline = performance.now() + timeout_ms;
  for (;;) {
    const { items } = await bodyOf(client.v1.episodes[':id'].feedback.$get({ param: { id } }));
    const verdicts = started.simulations.flatMap(({ seq, feedback_id }) => {
      const score = items.find((item) => item.id === feedback_id);
      return score ? [{ seq, reproduced: score.value === true, comment: score.comment ?? '' }] : [];
    });
    if (verdicts.length === started.simulations.length) return verdicts;
    if (performance.now() > deadline)
      throw new AppError('deadline_exceeded', `It goes on without being waited for: workflow ${started.workflow_id}.`);
    await delay(LOOK_MS);
  }
}
