import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { listFilesMade } from '../db/read/artifacts.ts';
import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import type { Database } from '../schemas/database.ts';
import type { Step } from '../schemas/step.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Workspace } from './workspaces.ts';

/** Where an episode's archives are linked; the name holds the step that ended the turn. */
const ARCHIVES = '.observatory/archives/';
const CONTENT_TYPE = 'application/x-git-bundle';
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
  const at = { when: step.started_at, who: step.agent };
  const git = (args: string[], input = '') => runGit(args, { dir, input, signal, ...at });
  try {
    await git(['init', '--quiet', '--bare', '--initial-branch=main', '.']);
    const parent = await fetchPrevious(deps, step, { dir, git });
    const { files } = workspace.manifest;
    const paths = files.map(({ path }) => join(workspace.dir, path));
    const blobs = (await git(['hash-object', '-w', '--no-filters', '--stdin-paths'], paths.join('\n'))).split('\n');
    const index = files.map(({ path, mode }, place) => `${mode} ${blobs[place]}\t${path.slice(1)}\0`);
    await git(['update-index', '-z', '--index-info'], index.join(''));
    const tree = await git(['write-tree']);
    const commit = await git(['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', message]);
    await git(['update-ref', 'refs/heads/main', commit]);
    await git(['bundle', 'create', '--quiet', 'turn.bundle', 'HEAD', 'refs/heads/main']);
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

type Git = (args: string[], input?: string) => Promise<string>;

/** Takes over the commits of the last archived turn; returns the newest one's id. */
async function fetchPrevious(
  { db, store }: { db: Kysely<Database>; store: ObjectStore },
  step: Step,
  { dir, git }: { dir: string; git: Git },
): Promise<string | undefined> {
  const archives = await listFilesMade(db, { episode_id: step.episode_id, prefix: ARCHIVES, before: step.seq });
  const newest = archives.toSorted((a, b) => a.seq - b.seq).at(-1);
  if (!newest) return undefined;
  await store.readToFile(newest.sha256, join(dir, 'previous.bundle'));
  await git(['fetch', '--quiet', 'previous.bundle', 'refs/heads/main:refs/heads/main']);
  return git(['rev-parse', 'refs/heads/main']);
}

type GitOptions = { dir: string; input: string; signal: AbortSignal; when: string; who: string };

function runGit(args: string[], { dir, input, signal, when, who }: GitOptions): Promise<string> {
  const email = `${who}@observatory.invalid`;
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
    GIT_DIR: dir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: who,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: when,
    GIT_COMMITTER_NAME: who,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: when,
  };
  // One thread: packs made by several differ from run to run.
  const all = ['-c', 'pack.threads=1', ...args];
  return new Promise((resolve, reject) => {
    const child = execFile('git', all, { cwd: dir, env, signal, timeout: GIT_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (!error) resolve(stdout.trimEnd());
      else if (error.name === 'AbortError') reject(AppError.from(error));
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        reject(new AppError('internal', 'git was not found: install it on the worker', { cause: error }));
      else reject(new AppError('internal', `git ${args[0]} failed: ${stderr.trim()}`, { cause: error }));
    });
    child.stdin?.on('error', () => {}); // git's own exit says why it stopped reading
    child.stdin?.end(input);
  });
}
