import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder this old was left behind by a worker that was killed. */
const LEFTOVER_AGE_MS = 24 * 3_600_000;
const PREFIX = 'scratch-';

/** A folder of one activity's own below `root`, readable by us alone; disposing removes it. Old ones of killed workers go too. */
export async function openScratch(root: string): Promise<AsyncDisposable & { path: (name: string) => string }> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    // Another worker may be removing it as well.
    const found = await stat(folder).catch(() => undefined);
    if (name.startsWith(PREFIX) && found && Date.now() - found.mtimeMs > LEFTOVER_AGE_MS)
      await rm(folder, { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(root, PREFIX));
  return {
    path: (name) => join(folder, name),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}
