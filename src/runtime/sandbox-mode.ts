import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { SandboxMode } from '../activities/tools/sandbox.ts';
import type { Config } from './config.ts';

const TRIAL_TIMEOUT_MS = 10_000;

/** Whether bubblewrap can be used here, found out by using it; where it cannot, commands are refused and the reason kept. */
export async function findSandboxMode(wanted: Config['sandbox']['mode'], path = 'bwrap'): Promise<SandboxMode> {
  if (wanted === 'unsafe') return { kind: 'unsafe' };
  if (wanted === 'refuse') return { kind: 'refuse', reason: 'OBSERVATORY_SANDBOX=refuse' };
  const args = [
    '--unshare-all',
    '--die-with-parent',
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '/bin/true',
  ];
  try {
    await promisify(execFile)(path, args, { timeout: TRIAL_TIMEOUT_MS });
    return { kind: 'bubblewrap', path };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    const why =
      code === 'ENOENT' ? 'bubblewrap (bwrap) is not installed' : `bubblewrap does not run here: ${stderr?.trim()}`;
    return { kind: 'refuse', reason: `${why}. Install it, or accept the risk with OBSERVATORY_SANDBOX=unsafe` };
  }
}
