import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { observatory } from '../support/api-process.ts';
import type { Outcome } from '../support/api-process.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A checkout of the project with its packages: the working tree, or what a commit held. */
export type Build = AsyncDisposable & {
  /** Runs `observatory` of this build with this environment added to the path. */
  run(args: string[], env: Record<string, string>): Promise<Outcome>;
};

/** The working tree. */
export const TODAY: Build = {
  run: (args, env) => observatory(args, { HOME: process.env['HOME'] ?? '', ...env }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** What the commit held, in a temporary folder. Throws an error that says how to fetch it where the clone lacks it. */
export async function checkOut(commit: string): Promise<Build> {
  await git('cat-file', '-e', `${commit}^{commit}`).catch(() => {
    throw new Error(
      `The commit ${commit}, whose build makes the old home, is not in this clone. ` +
        `Fetch it with \`git fetch origin ${commit}\`, or all history with \`git fetch --unshallow\`.`,
    );
  });
  const parent = await mkdtemp(join(tmpdir(), 'observatory-old-build-'));
  const root = join(parent, commit.slice(0, 12));
  await mkdir(root);
  await git('archive', '--output', join(parent, 'build.tar'), commit);
  await promisify(execFile)('tar', ['-xf', join(parent, 'build.tar'), '-C', root]);
  await bringPackages(root);
  const main = join(root, 'src/cli/main.ts');
  return {
    run: (args, env) => observatory(args, { HOME: process.env['HOME'] ?? '', ...env }, main),
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  };
}

const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: ROOT });

/** Packages that are here as the old lockfile wants them are used; else all of them are installed. */
async function bringPackages(root: string): Promise<void> {
  if (await hasPackages(join(root, 'package-lock.json'))) {
    await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    return;
  }
  // npm of the machine, not of node_modules: this one runs on what it replaces.
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  await promisify(execFile)('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter) },
    maxBuffer: 64 * 1024 * 1024,
  });
}

const Lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string(), integrity: z.string(), optional: z.boolean() }).partial(),
  ),
});

/** Whether node_modules holds every package of a lockfile, of other platforms' binaries those that it names. */
async function hasPackages(lockfile: string): Promise<boolean> {
  const read = async (file: string) => Lockfile.parse(JSON.parse(await readFile(file, 'utf8'))).packages;
  const { '': _project, ...wanted } = await read(lockfile);
  const installed = await read(join(ROOT, 'node_modules/.package-lock.json'));
  return Object.entries(wanted).every(([path, { version, integrity, optional = false }]) => {
    const found = installed[path];
    return found ? found.version === version && found.integrity === integrity : optional;
  });
}
