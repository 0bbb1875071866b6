import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import type { Environment } from '../../config/config.ts';
import { takesEpisode } from '../episode-argument.ts';
import { verifyBundle } from '../bundle-file.ts';
import type { BundleReport } from '../bundle-file.ts';
import { createClient, errorOf } from '../../client/client.ts';
import { findConnection } from '../connection.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { counted, progressOf } from '../progress.ts';
import { printable, size } from '../text.ts';

/** Films and meshes may be many gigabytes; what does not end by then hangs. */
const DOWNLOAD_MS_MAX = 6 * 60 * 60_000;

/** Adds `observatory bundle` and `observatory bundle verify`. */
export function registerBundle(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  const bundle = takesEpisode(program.command('bundle'), connect)
    .description('take an episode away as one zip: steps, logs, histories, checkpoints, artifacts, spans, with hashes')
    .option('--out <file>', 'where to; episode-<id>.zip here unless given')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory bundle ${EXAMPLE_ID} --out failed.zip`))
    .action(async (id: string, { out = `episode-${id}.zip`, json }: { out?: string; json?: true }) => {
      await download(env, id, out);
      report(out, await verifyBundle(out), json);
    });
  bundle
    .command('verify')
    .argument('<file>')
    .description('read a bundle whole and name what is not as it was written; exit 1 where something is not')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('observatory bundle verify failed.zip'))
    .action(async (file: string, _options: { json?: true }, command: Command) => {
      report(file, await verifyBundle(file), command.optsWithGlobals<{ json?: true }>().json);
    });
}

/** Whole or not at all: the name appears when the last byte has arrived. */
async function download(env: Environment, id: string, out: string): Promise<void> {
  const client = createClient(findConnection(env));
  const signal = AbortSignal.timeout(DOWNLOAD_MS_MAX);
  const arriving = `${out}.part`;
  // It is made while it is sent: nobody knows yet how long it will be.
  const progress = progressOf(process.stderr, { what: 'Receiving' });
  try {
    const answer = await client.v1.episodes[':id'].bundle.$get({ param: { id } }, { init: { signal } });
    if (!answer.ok || !answer.body) throw await errorOf(answer);
    await pipeline(Readable.fromWeb(answer.body), counted(progress), createWriteStream(arriving));
    await rename(arriving, out);
  } catch (error) {
    await rm(arriving, { force: true });
    if (error instanceof AppError) throw error;
    throw new AppError('unavailable', `The bundle did not arrive whole: ${(error as Error).message}.`, {
      cause: error,
    });
  } finally {
    progress.end();
  }
}

function report(file: string, { findings, ...found }: BundleReport, json: true | undefined): void {
  if (json) printJson({ file, ...found, whole: findings.length === 0, findings });
  else if (findings.length === 0) print(`${file} is whole: ${found.files} files, ${size(found.bytes)}.`);
  else print(`${file} is not whole:\n${findings.map((finding) => `  ${printable(finding)}`).join('\n')}`);
  if (findings.length > 0) process.exitCode = 1;
}
