import { AppError } from '../errors.ts';
import { failed, NAMED_OBJECTS_MAX, passed } from '../schemas/restore-point.ts';
import type { BackupPart, RecoveryCheck, RestorePointManifest } from '../schemas/restore-point.ts';
import { forEachBounded } from '../storage/parallel.ts';
import type { BackupDeps } from './deps.ts';
import { isIntact, listFolder } from './mirror.ts';
import { runPostgresTool } from './postgres-tools.ts';
import type { Working } from './progress.ts';
import { forEachFolder } from './references.ts';
import type { Reference } from './references.ts';
import { openScratch } from './scratch.ts';
import { signatureCheck } from './signature.ts';
import { checkSqlite } from './temporal-file.ts';

/** Objects read side by side in one folder. */
const OBJECTS_AT_ONCE = 2;

/** Which objects are read whole and hashed, given their place in the list; the others must be listed with their size. */
export type Reread = (reference: Reference, index: number) => boolean;
/** What a proof found: `missing` names at most NAMED_OBJECTS_MAX of those that are absent or damaged. */
export type Proof = { count: number; reread: number; missing_count: number; missing: string[] };

/** Holds every reference against the mirror: present with its size, and, where `reread` says so, its bytes hashed. */
export async function proveReferences(
  deps: Pick<BackupDeps, 'backups' | 'scratch_root'>,
  { references, count, reread }: { references: BackupPart; count: number; reread: Reread },
  { report, signal }: Working,
): Promise<Proof> {
  await using scratch = await openScratch(deps.scratch_root);
  const file = scratch.path('references.txt');
  await deps.backups.names.readToFile(references, file, signal);
  const proof: Proof = { count: 0, reread: 0, missing_count: 0, missing: [] };
  let bytes = 0;
  let next = 0;
  await forEachFolder({ path: file, count }, async (folder, some) => {
    const first = next;
    next += some.length;
    const held = await listFolder(deps.backups.names, folder);
    const miss = (sha256: string) => {
      proof.missing_count++;
      if (proof.missing.length < NAMED_OBJECTS_MAX) proof.missing.push(sha256);
    };
    const read: Reference[] = [];
    for (const [n, reference] of some.entries()) {
      if (held.get(reference.sha256)?.size_bytes !== reference.size_bytes) miss(reference.sha256);
      else if (reread(reference, first + n)) read.push(reference);
    }
    proof.count += some.length - read.length;
    report({ done: proof.count });
    await forEachBounded(read, OBJECTS_AT_ONCE, async (reference) => {
      signal.throwIfAborted();
      if (!(await isIntact(deps.backups, reference, signal))) miss(reference.sha256);
      proof.reread++;
      bytes += reference.size_bytes;
      report({ done: ++proof.count, bytes });
    });
  });
  return proof;
}

/** What a proof amounts to. */
export function proofCheck(name: string, { missing, ...figures }: Proof): RecoveryCheck {
  if (figures.missing_count === 0) return passed(name, figures);
  const named = missing.slice(0, 3).join(', ');
  return failed(
    name,
    `${figures.missing_count} objects are absent or damaged in the mirror, among them ${named}`,
    figures,
  );
}

/** Reads a whole point: every part by its hash, the dump by PostgreSQL, every object of the mirror. Nothing is changed. */
export async function verifyPoint(
  deps: Pick<BackupDeps, 'backups' | 'scratch_root' | 'postgres' | 'signing'>,
  manifest: RestorePointManifest,
  working: Working,
): Promise<RecoveryCheck[]> {
  const { database, temporal } = manifest;
  const parts = { dump: database.dump, globals: database.globals, references: database.references, temporal };
  const checks: RecoveryCheck[] = [signatureCheck(manifest, deps.signing)];
  for (const [name, part] of Object.entries(parts)) {
    if (part === null) continue;
    checks.push(await checkOf(name, () => verifyPart(deps, { name, part }, working.signal)));
  }
  if (checks.every(({ name, status }) => name !== 'references' || status === 'ok')) {
    const { references, objects } = database;
    const whole = { references, count: objects.count, reread: () => true };
    checks.push(await checkOf('mirror', async () => proofCheck('mirror', await proveReferences(deps, whole, working))));
  }
  if (manifest.status === 'incomplete')
    checks.push(failed('complete', `it was sealed as incomplete, with ${manifest.missing_count} objects missing`));
  return checks;
}

async function verifyPart(
  { backups, scratch_root, postgres }: Pick<BackupDeps, 'backups' | 'scratch_root' | 'postgres'>,
  { name, part }: { name: string; part: BackupPart },
  signal: AbortSignal,
): Promise<RecoveryCheck> {
  await using scratch = await openScratch(scratch_root);
  const file = scratch.path(name);
  await backups.names.readToFile(part, file, signal);
  if (name === 'dump')
    await runPostgresTool(postgres, { program: 'pg_restore', args: ['--file=/dev/null', file], signal });
  if (name === 'temporal') checkSqlite(file);
  return passed(name, { size_bytes: part.size_bytes });
}

/** The check, or a failed one with the error's words. What infrastructure cannot do now is thrown on, to be tried again. */
export async function checkOf(name: string, work: () => Promise<RecoveryCheck>): Promise<RecoveryCheck> {
  try {
    return await work();
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.retry === 'patiently' || error.code === 'cancelled') throw thrown;
    return failed(name, error.message);
  }
}
