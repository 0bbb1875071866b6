import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Kysely } from 'kysely';
import { listFilesMade } from '../../db/read/artifacts.ts';
import { AppError } from '../../errors.ts';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Workspace } from '../../storage/workspaces.ts';

/** Where an episode's archives are linked; the name holds the step that ended the turn. */
const ARCHIVES = '.observatory/archives/';
const CONTENT_TYPE = 'application/x-git-bundle';
const BRANCH = 'refs/heads/main';
const GIT_TIMEOUT_MS = 60_000;

/**
 * Stores the workspace as a git bundle with one commit a turn: `git clone turn-12.bundle` gives the files and how they came
 * about. Who, when and what derive from the record, so that a second try makes the same commit.
 */
export async function archiveWorkspace(
  deps: { db: Kysely<Database>; store: ObjectStore },
  { step, workspace, message, signal }: { step: Step; workspace: Workspace; message: string; signal: AbortSignal },
): Promise<ArtifactLink> {
  const dir = await mkdtemp(join(tmpdir(), 'observatory-archive-'));
  const git: Git = (args, input) => runGit(args, { dir, input, signal });
  try {
    await makeRepository(dir);
    const hasParent = await fetchPrevious(deps, step, { dir, git });
    await git(['fast-import', '--quiet', '--done'], commitCommands(step, { message, hasParent, workspace }));
    await git(['bundle', 'create', '--quiet', 'turn.bundle', 'HEAD', BRANCH]);
    const stored = await deps.store.put({ file: join(dir, 'turn.bundle') }, { contentType: CONTENT_TYPE, signal });
    return {
      role: 'output',
      path: `${ARCHIVES}turn-${step.seq}.bundle`,
      ...stored,
      content_type: CONTENT_TYPE,
      kind: 'GIT_ARCHIVE',
      clock: null,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

type Git = (args: string[], input?: AsyncIterable<string | Buffer>) => Promise<void>;

/** What `git init --bare` makes, as far as git asks for it: starting a program holds up everything else that a worker does. */
async function makeRepository(dir: string): Promise<void> {
  await Promise.all([mkdir(join(dir, 'objects')), mkdir(join(dir, 'refs'))]);
  await writeFile(join(dir, 'HEAD'), `ref: ${BRANCH}\n`);
  await writeFile(join(dir, 'config'), '[core]\nbare = true\n');
}

/** One commit of all the files of a workspace, as `git fast-import` reads it. */
async function* commitCommands(
  { agent, started_at }: Step,
  { message, hasParent, workspace }: { message: string; hasParent: boolean; workspace: Workspace },
): AsyncGenerator<string | Buffer> {
  const by = `${agent} <${agent}@observatory.invalid> ${Math.floor(Date.parse(started_at) / 1000)} +0000`;
  const text = `${message}\n`;
  yield `commit ${BRANCH}\nauthor ${by}\ncommitter ${by}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
  yield hasParent ? `from ${BRANCH}^0\ndeleteall\n` : 'deleteall\n';
  for (const { path, mode, size_bytes } of workspace.manifest.files) {
    yield `M ${mode} inline ${quoted(path.slice(1))}\ndata ${size_bytes}\n`;
    // Never more than was said: what a file has grown by since would be read as commands. Where there is less, git refuses.
    if (size_bytes > 0)
      yield* createReadStream(join(workspace.dir, path), { end: size_bytes - 1 }) as AsyncIterable<Buffer>;
    yield '\n';
  }
  yield 'done\n';
}

/** A path as git writes it where it holds more than plain characters. */
const quoted = (path: string): string =>
  `"${path.replaceAll(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;

/** Takes over the commits of the last archived turn, if there is one. */
async function fetchPrevious(
  { db, store }: { db: Kysely<Database>; store: ObjectStore },
  step: Step,
  { dir, git }: { dir: string; git: Git },
): Promise<boolean> {
  const archives = await listFilesMade(db, { episode_id: step.episode_id, prefix: ARCHIVES, before: step.seq });
  const newest = archives.toSorted((a, b) => a.seq - b.seq).at(-1);
  if (!newest) return false;
  await store.readToFile(newest.sha256, join(dir, 'previous.bundle'));
  await git(['fetch', '--quiet', 'previous.bundle', `${BRANCH}:${BRANCH}`]);
  return true;
}

type GitOptions = { dir: string; input: AsyncIterable<string | Buffer> | undefined; signal: AbortSignal };

function runGit(args: string[], { dir, input, signal }: GitOptions): Promise<void> {
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
    GIT_DIR: dir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
  // One thread: packs made by several differ from run to run.
  const all = ['-c', 'pack.threads=1', ...args];
  return new Promise((resolve, reject) => {
    const child = execFile('git', all, { cwd: dir, env, signal, timeout: GIT_TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (!error) resolve();
      else if (error.name === 'AbortError') reject(AppError.from(error));
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        reject(new AppError('internal', 'git was not found: install it on the worker', { cause: error }));
      else reject(new AppError('internal', `git ${args[0]} failed: ${stderr.trim()}`, { cause: error }));
    });
    if (!child.stdin) return;
    // Where git stops reading, its own exit says why; where a file cannot be read, git finds the end before `done`.
    pipeline(Readable.from(input ?? []), child.stdin).catch(() => {});
  });
}
