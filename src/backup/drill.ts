import { listEpisodeArtifacts } from '../db/read/artifacts.ts';
import { listEpisodes } from '../db/read/episodes.ts';
import { listLogs } from '../db/read/logs.ts';
import {
  countBroken,
  listDatabases,
  listNewArtifacts,
  listRestoreDrills,
  listTableFigures,
} from '../db/read/recovery.ts';
import { listSteps } from '../db/read/steps.ts';
import { beginRestoreDrill, createEmptyDatabase, dropDatabase, endRestoreDrill } from '../db/write/recovery.ts';
import { AppError } from '../errors.ts';
import { failed, passed } from '../schemas/restore-point.ts';
import type { RecoveryCheck, RestoreDrill, RestorePointManifest, TableFigures } from '../schemas/restore-point.ts';
import type { BackupDeps } from './deps.ts';
import { pointPrefix, resolvePoint } from './manifest.ts';
import { runPostgresTool } from './postgres-tools.ts';
import { phase } from './progress.ts';
import type { Working } from './progress.ts';
import { checkOf, proofCheck, proveReferences } from './proof.ts';
import { openScratch } from './scratch.ts';

/** Scratch databases begin so; the rest is the drill's id and the try's number. */
const SCRATCH_PREFIX = 'observatory_drill_';
/** The newest episodes are read as the application reads them, each up to this many rows of a kind. */
const EPISODES_READ = 20;
const ROWS_READ = 200;
/** About how many objects are hashed besides the new ones. */
const SAMPLE_OBJECTS = 200;
const NEW_OBJECTS_MAX = 20_000;

type Drill = { id: string; point_id?: string | undefined };

/** The phases of a drill. */
export function createRestoreDrillPhases(deps: BackupDeps) {
  return {
    /** Restores a point into a scratch database and holds everything in it against the point; notes how it ended. */
    drillRestorePoint: phase('drill', async (drill: Drill, working) => runDrill(deps, drill, working)),
    /** Drops what any try of the drill left on the server, and notes a drill that could not end itself. */
    endDrill: phase('end', async ({ id, failure }: Drill & { failure: string | null }) => {
      for (const name of await listDatabases(deps.pool, scratchName(id, ''))) await dropDatabase(deps.pool, name);
      if (failure === null) return null;
      const started_at = await beginRestoreDrill(deps.db, { id, point_id: null });
      const open = { point_id: null, ended_at: null, rto_seconds: null };
      return endRestoreDrill(deps.db, {
        id,
        status: 'failed',
        started_at,
        ...open,
        checks: [failed('drill', failure)],
      });
    }),
  };
}

async function runDrill(deps: BackupDeps, { id, point_id }: Drill, working: Working): Promise<RestoreDrill> {
  const { db, pool } = deps;
  const started_at = await beginRestoreDrill(db, { id, point_id: null });
  const manifest = await resolvePoint(deps.backups.names, point_id ?? 'latest');
  const name = scratchName(id, String(working.attempt));
  const [last] = await listRestoreDrills(db, { limit: 1, status: 'passed' });
  const started = performance.now();
  let rto_seconds: number | null = null;
  const checks: RecoveryCheck[] = [];
  try {
    await dropDatabase(pool, name);
    await createEmptyDatabase(pool, name);
    checks.push(await checkOf('restore', () => restoreDump(deps, { manifest, database: name }, working)));
    if (checks.every(({ status }) => status === 'ok')) {
      rto_seconds = (performance.now() - started) / 1000;
      await using scratch = deps.openDatabase(name);
      checks.push(...(await checkDatabase(deps, scratch, manifest)));
      const fresh = new Set(
        await listNewArtifacts(scratch.db, { since: last?.started_at ?? '-infinity', limit: NEW_OBJECTS_MAX }),
      );
      checks.push(await checkObjects(deps, { manifest, fresh }, working));
    }
  } finally {
    await dropDatabase(pool, name);
  }
  const status = checks.every((check) => check.status === 'ok') ? 'passed' : 'failed';
  const drill = { id, point_id: manifest.id, status, started_at, ended_at: null, rto_seconds, checks } as const;
  const ended = await endRestoreDrill(db, drill);
  if (status === 'passed') await noteVerified(deps, ended);
  return ended;
}

/** Restores a point's dump into an empty database of the same server, all of it or nothing. */
export async function restoreDump(
  { backups, scratch_root, postgres }: Pick<BackupDeps, 'backups' | 'scratch_root' | 'postgres'>,
  { manifest, database }: { manifest: RestorePointManifest; database: string },
  { report, signal }: Pick<Working, 'report' | 'signal'>,
): Promise<RecoveryCheck> {
  const { dump } = manifest.database;
  await using scratch = await openScratch(scratch_root);
  const file = scratch.path('database.dump');
  await backups.names.readToFile(dump, file, signal);
  report({ bytes: dump.size_bytes });
  const whole = ['--exit-on-error', '--single-transaction', '--no-owner', '--no-privileges'];
  await runPostgresTool(postgres, { program: 'pg_restore', args: [...whole, `--dbname=${database}`, file], signal });
  return passed('restore', { dump_bytes: dump.size_bytes });
}

/** Holds a restored database against its point: the same rows, valid constraints, readable by the application, migrating. */
export async function checkDatabase(
  deps: Pick<BackupDeps, 'migrate'>,
  restored: Pick<BackupDeps, 'db' | 'pool'>,
  manifest: RestorePointManifest,
): Promise<RecoveryCheck[]> {
  return [
    await checkOf('tables', async () => compareTables(manifest.database.tables, await listTableFigures(restored.pool))),
    await checkOf('links', async () => {
      const figures = await countBroken(restored.db);
      const good = figures.dangling_links === 0 && figures.unvalidated === 0;
      return good ? passed('links', figures) : failed('links', 'links or constraints are broken', figures);
    }),
    await checkOf('reads', async () => passed('reads', await readEpisodes(restored.db))),
    await checkOf('migrations', async () => {
      const applied = await deps.migrate(restored.pool);
      return passed('migrations', { applied: applied.join(', ') });
    }),
  ];
}

/** Whether the tables hold the same rows; a failed check names those that differ. */
function compareTables(expected: TableFigures[], actual: TableFigures[]): RecoveryCheck {
  const found = new Map(actual.map((table) => [table.name, table]));
  const differing = expected.filter(({ name, rows, rows_hash }) => {
    const other = found.get(name);
    return other?.rows !== rows || other.rows_hash !== rows_hash;
  });
  const extra = actual.filter(({ name }) => expected.every((table) => table.name !== name));
  const names = [...differing, ...extra].map(({ name }) => name);
  const rows = actual.reduce((sum, table) => sum + table.rows, 0);
  const figures = { tables: actual.length, rows, differing: names.length };
  return names.length === 0
    ? passed('tables', figures)
    : failed('tables', `the rows differ from the snapshot's in ${names.join(', ')}`, figures);
}

async function readEpisodes(db: BackupDeps['db']): Promise<Record<string, number>> {
  const read = { episodes: 0, steps: 0, files: 0, log_lines: 0 };
  for (const { id } of await listEpisodes(db, { limit: EPISODES_READ })) {
    read.episodes++;
    read.steps += (await listSteps(db, { episode_id: id, after: 0, limit: ROWS_READ })).length;
    read.files += (await listEpisodeArtifacts(db, { episode_id: id, limit: ROWS_READ })).length;
    read.log_lines += (await listLogs(db, { episode_id: id, after: 0, limit: ROWS_READ })).length;
  }
  return read;
}

async function checkObjects(
  deps: BackupDeps,
  { manifest, fresh }: { manifest: RestorePointManifest; fresh: Set<string> },
  working: Working,
): Promise<RecoveryCheck> {
  const { references, objects } = manifest.database;
  const every = Math.max(1, Math.floor(objects.count / SAMPLE_OBJECTS));
  // Another part of the objects each time: the drill's place in the sample comes from its day.
  const offset = Math.floor(Date.now() / 86_400_000) % every;
  return checkOf('objects', async () =>
    proofCheck(
      'objects',
      await proveReferences(
        deps,
        {
          references,
          count: objects.count,
          reread: ({ sha256 }, index) => index % every === offset || fresh.has(sha256),
        },
        working,
      ),
    ),
  );
}

/** Beside the point, so that retention knows it also when this database is lost. */
async function noteVerified({ backups }: BackupDeps, drill: RestoreDrill): Promise<void> {
  const key = `${pointPrefix(drill.point_id ?? '')}verified/${drill.id}.json`;
  try {
    await backups.names.put(key, Buffer.from(JSON.stringify(drill)), { contentType: 'application/json' });
  } catch (error) {
    // An earlier try of this drill wrote it.
    if (!(error instanceof AppError && error.code === 'already_exists')) throw error;
  }
}

function scratchName(id: string, attempt: string): string {
  return `${SCRATCH_PREFIX}${id.replaceAll('-', '')}_${attempt}`;
}
