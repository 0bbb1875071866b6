import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox } from '../agents/tools/sandbox.ts';
import type { SandboxMode } from '../agents/tools/sandbox.ts';
import { AppError } from '../errors.ts';
import type { Config } from '../config/config.ts';

const TRIAL_TIMEOUT_MS = 10_000;
/** The kernel's overflow uid, which owns nothing. */
const NOBODY_UID = 65_534;
const FIX = 'Install bubblewrap and allow user namespaces, or accept the risk with OBSERVATORY_SANDBOX=unsafe';

/** Whether bubblewrap can be used here, found out by using it; where it cannot, commands are refused and the reason kept. */
export async function findSandboxMode(wanted: Config['sandbox']['mode'], path = 'bwrap'): Promise<SandboxMode> {
  if (wanted === 'unsafe') return { kind: 'unsafe' };
  if (wanted === 'refuse') return { kind: 'refuse', reason: 'OBSERVATORY_SANDBOX=refuse' };
  let why: string | undefined;
  // Nobody may be unable to reach a node or a workspace that lies in root's home: then commands are root's, without its rights.
  for (const uid of process.getuid?.() === 0 ? [NOBODY_UID, null] : [null]) {
    const mode: SandboxMode = { kind: 'bubblewrap', path, uid };
    why = await whyNot(mode);
    if (why === undefined) return mode;
  }
  return { kind: 'refuse', reason: `bubblewrap does not run here: ${why}. ${FIX}` };
}

/** Why a command cannot be run in this mode; undefined when it can. */
async function whyNot(mode: SandboxMode): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'observatory-sandbox-'));
  let complaint = '';
  try {
    const { exit_code } = await createSandbox(mode, process.execPath).run('node --version', {
      dir,
      timeout_ms: TRIAL_TIMEOUT_MS,
      signal: AbortSignal.timeout(2 * TRIAL_TIMEOUT_MS),
      onOutput: (stream, text) => {
        if (stream === 'stderr') complaint += text;
      },
    });
    return exit_code === 0 ? undefined : complaint.trim() || `its trial ended with exit code ${exit_code}`;
  } catch (error) {
    return AppError.from(error).message;
  } finally {
    await rm(dir, { recursive: true });
  }
}
