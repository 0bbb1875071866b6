import { createHash, randomUUID } from 'node:crypto';
import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { codeVersion } from '../code-version.ts';

const SOURCE = join(import.meta.dirname, '../..');
const ROOT = join(SOURCE, '..');

/** The workflows as one file of code, and its build: the same sources give the same build. */
export type WorkflowBundle = { codePath: string; build: string };

/** The build of the workflows of this checkout, and the digest of their sources in it. */
export async function workflowBuild(): Promise<{ build: string; digest: string }> {
  const hash = createHash('sha256');
  const sources = await Array.fromAsync(glob('{errors.ts,workflows/**/*.ts}', { cwd: SOURCE }));
  for (const path of sources.toSorted()) hash.update(path).update(await readFile(join(SOURCE, path)));
  hash.update(await readFile(join(ROOT, 'package-lock.json')));
  const digest = hash.digest('hex').slice(0, 12);
  return { build: `${codeVersion()}+${digest}`, digest };
}

/** Bundles the workflows, or takes the bundle that an earlier start made of the same sources (seconds against nothing). */
export async function buildWorkflowBundle(cacheDir: string): Promise<WorkflowBundle> {
  const { build, digest } = await workflowBuild();
  const codePath = join(cacheDir, `workflows-${digest}.js`);
  const bundle: WorkflowBundle = { codePath, build };
  try {
    await readFile(codePath);
    return bundle;
  } catch {
    // Not made yet.
  }
  const { code } = await bundleWorkflowCode({ workflowsPath: join(SOURCE, 'workflows/index.ts'), logger: QUIET });
  await mkdir(cacheDir, { recursive: true });
  const building = `${codePath}.${randomUUID()}`;
  await writeFile(building, code);
  await rename(building, codePath);
  return bundle;
}

/** Webpack's progress is of no use to the people who start a worker; its errors are thrown. */
const silent = () => {};
const QUIET = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
