import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { InferResponseType } from 'hono/client';
import { bodyOf, errorOf } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { AppError } from '../../errors.ts';
import { takesEpisode } from '../episode-argument.ts';
import { PAGE_LIMIT } from '../follow.ts';
import { integer } from '../options.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { progressOf } from '../progress.ts';
import { oneLine, size, table } from '../text.ts';

type FilesApi = Client['v1']['episodes'][':id']['artifacts']['$get'];
type FilesPage = InferResponseType<FilesApi, 200>;
type EpisodeFile = FilesPage['items'][number];
type Role = EpisodeFile['role'];

/** The largest files are films and meshes; what does not end by then hangs. */
const DOWNLOAD_MS_MAX = 6 * 3_600_000;

/** Adds `observatory episodes files list` and `get`. */
export function registerFiles(episodes: Command, connect: () => Client): void {
  const files = episodes
    .command('files')
    .description('list the files that an episode’s steps read and made, and get one');
  registerList(files, connect);
  registerGet(files, connect);
}

function registerList(files: Command, connect: () => Client): void {
  takesEpisode(files.command('list'), connect)
    .description('list the files of every step, oldest first')
    .addOption(new Option('--role <role>', 'only what steps read, or made').choices(['input', 'output']))
    .option('--step <number>', 'only those of this step', integer(1, 2_147_483_647))
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples(`observatory episodes files list ${EXAMPLE_ID} --role output`))
    .action(async (id: string, { role, step, json }: { role?: Role; step?: number; json?: true }) => {
      const all = await listFiles(connect(), id, role);
      const items = all.filter(({ seq }) => step === undefined || seq === step);
      if (json) printJson({ items });
      else if (items.length === 0) print('No files.');
      else
        print(
          table(items, [
            { title: 'STEP', right: true, text: ({ seq }) => String(seq) },
            { title: 'ROLE', text: (file) => file.role },
            { title: 'KIND', text: ({ kind }) => kind },
            { title: 'SIZE', right: true, text: ({ size_bytes }) => size(size_bytes) },
            { title: 'PATH', text: ({ path }) => path },
          ]),
        );
    });
}

type GetOptions = { step?: number; out?: string; json?: true };

function registerGet(files: Command, connect: () => Client): void {
  takesEpisode(files.command('get'), connect)
    .argument('<path>', 'the file’s path, or the end of it that only one file has')
    .description('get a file as the last step that made or read it left it, checked by its hash')
    .option('--step <number>', 'as this step has it', integer(1, 2_147_483_647))
    .option('--out <file>', 'where to; its own name here unless given, - for standard output')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples(
        `observatory episodes files get ${EXAMPLE_ID} sim.mp4`,
        `observatory episodes files get latest /scene.xml --out -`,
      ),
    )
    .action(async (id: string, path: string, { step, out, json }: GetOptions) => {
      const client = connect();
      const file = choose(await listFiles(client, id), { path, step });
      const target = out ?? basename(file.path);
      await download(client, file, target);
      if (json) printJson({ ...file, file: target });
      else if (target !== '-') print(`${target}: ${oneLine(file.path)} of step ${file.seq}, ${size(file.size_bytes)}.`);
    });
}

/** All files of the episode's steps, in the order of these. */
async function listFiles(client: Client, id: string, role?: Role): Promise<EpisodeFile[]> {
  const items: EpisodeFile[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query = { limit: PAGE_LIMIT, ...(role && { role }), ...(cursor !== '' && { cursor }) };
    const page: FilesPage = await bodyOf(client.v1.episodes[':id'].artifacts.$get({ param: { id }, query }));
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

/** The newest file of this path, or else of the one path that ends so. Throws `not_found`, `failed_precondition` for several. */
function choose(files: EpisodeFile[], { path, step }: { path: string; step: number | undefined }): EpisodeFile {
  const candidates = files.filter(({ seq }) => step === undefined || seq === step);
  const exact = candidates.findLast((file) => file.path === path);
  if (exact) return exact;
  const ending = candidates.filter((file) => file.path.endsWith(`/${path.replace(/^\/+/, '')}`));
  const paths = [...new Set(ending.map((file) => file.path))];
  const last = ending.at(-1);
  if (!last) throw new AppError('not_found', `No file ${path}: \`observatory episodes files list\` shows them.`);
  if (paths.length > 1) {
    const message = `${path} is the end of several, say more of the path: ${paths.join(', ')}.`;
    throw new AppError('failed_precondition', message);
  }
  return last;
}

/** Whole and with its hash, or not at all. */
async function download(client: Client, { sha256, size_bytes }: EpisodeFile, target: string): Promise<void> {
  const init = { signal: AbortSignal.timeout(DOWNLOAD_MS_MAX) };
  const answer = await client.v1.artifacts[':sha256'].content.$get(
    { param: { sha256 }, query: {}, header: {} },
    { init },
  );
  if (!answer.ok || answer.body === null) throw await errorOf(answer);
  const hash = createHash('sha256');
  const progress = progressOf(process.stderr, { what: 'Receiving', of: size_bytes });
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      progress.add(chunk.length);
      done(null, chunk);
    },
  });
  const body = Readable.fromWeb(answer.body as never);
  const arriving = `${target}.part`;
  try {
    if (target === '-') await pipeline(body, hashing, process.stdout, { end: false });
    else await pipeline(body, hashing, createWriteStream(arriving));
    if (hash.digest('hex') !== sha256) throw new AppError('data_loss', `What arrived has not the hash ${sha256}.`);
    if (target !== '-') await rename(arriving, target);
  } finally {
    progress.end();
    if (target !== '-') await rm(arriving, { force: true });
  }
}
