import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '../../config/config.ts';
import { findSandboxMode } from '../sandbox-mode.ts';
import { found } from './finding.ts';
import type { Check, Finding } from './finding.ts';

const GIB = 1024 ** 3;
/** An episode's renders, spooled on their way to S3, and a backup's dump want this much. */
const DISK_BYTES_WARN = 5 * GIB;
const DISK_BYTES_MIN = GIB;

/** This machine: the programs that workers start, the sandbox, and room on the disks. */
export function checkMachine(config: Config): Check[] {
  const bin = config.postgres_bin_dir;
  const pgDump = bin === undefined ? 'pg_dump' : join(bin, 'pg_dump');
  return [
    checkProgram({
      name: 'git',
      program: 'git',
      without: 'fail',
      mend: 'Install git: workspaces are archived with it.',
    }),
    checkProgram({
      name: 'pg_dump',
      program: pgDump,
      without: 'warn',
      mend: 'Install the PostgreSQL client of the server’s version, or set OBSERVATORY_POSTGRES_BIN_DIR: backups need it.',
    }),
    checkSandbox(config.sandbox.mode),
    checkDisk('disk of OBSERVATORY_HOME', config.home),
    checkDisk('disk of temporary files', tmpdir()),
  ];
}

function checkProgram(options: { name: string; program: string; without: 'warn' | 'fail'; mend: string }): Check {
  const { name, program, without, mend } = options;
  return {
    name,
    mend,
    async look(signal) {
      try {
        const { stdout } = await promisify(execFile)(program, ['--version'], { signal });
        return [found(name, 'ok', { detail: stdout.trim() })];
      } catch (error) {
        const absent = (error as { code?: unknown }).code === 'ENOENT';
        return [found(name, without, { detail: absent ? 'is not installed' : (error as Error).message, mend })];
      }
    },
  };
}

function checkSandbox(wanted: Config['sandbox']['mode']): Check {
  const name = 'sandbox';
  const mend = 'Install bubblewrap and allow user namespaces, or accept the risk with OBSERVATORY_SANDBOX=unsafe.';
  return {
    name,
    mend,
    async look() {
      const mode = await findSandboxMode(wanted);
      if (mode.kind === 'bubblewrap') return [found(name, 'ok', { detail: 'bubblewrap runs' })];
      const detail =
        mode.kind === 'unsafe'
          ? 'agents’ commands run without a sandbox'
          : `agents’ commands are refused: ${mode.reason}`;
      // What was asked for by name is no fault; agents may do without commands.
      return [found(name, wanted === 'refuse' ? 'ok' : 'warn', { detail, mend })];
    },
  };
}

function checkDisk(name: string, folder: string): Check {
  const mend = `Make room in ${folder}.`;
  return {
    name,
    mend,
    async look() {
      await mkdir(folder, { recursive: true });
      const { bavail, bsize } = await statfs(folder);
      return [judgeDisk(name, bavail * bsize, mend)];
    },
  };
}

function judgeDisk(name: string, free_bytes: number, mend: string): Finding {
  const state = free_bytes < DISK_BYTES_MIN ? 'fail' : free_bytes < DISK_BYTES_WARN ? 'warn' : 'ok';
  return found(name, state, { detail: `${(free_bytes / GIB).toFixed(1)} GiB are free`, mend });
}
