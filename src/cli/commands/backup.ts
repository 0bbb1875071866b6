import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { openRecovery } from '../../runtime/recovery.ts';
import type { RestorePoint, RestorePointManifest } from '../../schemas/restore-point.ts';
import { RESTORE_POINT_WORKFLOW } from '../../workflows/names.ts';
import { integer } from '../options.ts';
import { findDeployment } from '../connection.ts';
import { progressTo, renderChecks, runRecoveryWorkflow } from '../recovery.ts';
import { ago, size, table } from '../text.ts';

/** Adds `observatory backup …`. */
export function registerBackup(program: Command, env: Environment): void {
  const backup = program.command('backup').description('make, list, show and verify restore points');
  registerRun(backup, env);
  registerList(backup, env);
  registerShow(backup, env);
  registerVerify(backup, env);
}

const print = (text: string) => void process.stdout.write(`${text}\n`);
const printJson = (value: object) => print(JSON.stringify(value));

/** How long a phase waits for servers that are away when a person waits with it. */
const OUTAGE_S_DEFAULT = 60;
type RunOptions = { outage: number; json?: true };

function registerRun(backup: Command, env: Environment): void {
  backup
    .command('run')
    .description('make a restore point now; exit 1 unless it is complete')
    .option('--outage <seconds>', 'wait so long for a server that is away', integer(1, 86_400), OUTAGE_S_DEFAULT)
    .option('--json', 'print the point as one JSON object; progress goes to standard error')
    .action(async ({ outage, json }: RunOptions) => {
      const point = await runRecoveryWorkflow<RestorePoint>(findDeployment(env), {
        workflow: RESTORE_POINT_WORKFLOW,
        args: [{ outage_s_max: outage }],
        onProgress: progressTo(process.stderr),
      });
      if (json) printJson(point);
      else print(`Restore point ${point.id} is ${point.status}.\n${renderChecks(point.checks)}`);
      if (point.status !== 'complete') process.exitCode = 1;
    });
}

function registerList(backup: Command, env: Environment): void {
  backup
    .command('list')
    .description('list the restore points in the backups bucket, newest first')
    .option('--json', 'print one JSON object')
    .action(async ({ json }: { json?: true }) => {
      await using recovery = await openRecovery(findDeployment(env));
      const { points, damaged, verified } = await recovery.listPoints();
      const items = points.map((point) => ({ ...summaryOf(point), verified: verified.has(point.id) }));
      if (json) printJson({ items, damaged });
      else if (items.length === 0) print('No restore points.');
      else
        print(
          table(items, [
            { title: 'ID', text: ({ id }) => id },
            { title: 'STATUS', text: ({ status }) => status },
            { title: 'VERIFIED', text: (item) => (item.verified ? 'yes' : 'no') },
            { title: 'SNAPSHOT', text: ({ snapshot_at }) => ago(snapshot_at, Date.now()) },
            { title: 'ROWS', right: true, text: ({ rows }) => String(rows) },
            { title: 'DUMP', right: true, text: ({ dump_bytes }) => size(dump_bytes) },
            { title: 'OBJECTS', right: true, text: ({ objects }) => String(objects) },
            { title: 'MISSING', right: true, text: ({ missing }) => String(missing) },
          ]),
        );
      if (!json) for (const id of damaged) print(`The manifest of ${id} is damaged or was altered.`);
      if (damaged.length > 0) process.exitCode = 1;
    });
}

function summaryOf({ id, status, database, missing_count }: RestorePointManifest) {
  const rows = database.tables.reduce((sum, each) => sum + each.rows, 0);
  const { snapshot_at, dump, objects } = database;
  const sizes = { rows, dump_bytes: dump.size_bytes, objects: objects.count, object_bytes: objects.bytes };
  return { id, status, snapshot_at, ...sizes, missing: missing_count };
}

function registerShow(backup: Command, env: Environment): void {
  backup
    .command('show')
    .argument('<id>', 'the point, or `latest`')
    .description('show what a restore point holds')
    .option('--json', 'print its manifest as one JSON object')
    .action(async (id: string, { json }: { json?: true }) => {
      await using recovery = await openRecovery(findDeployment(env));
      const point = await recovery.getPoint(id);
      if (json) {
        printJson(point);
        return;
      }
      const { database, temporal } = point;
      print(`Restore point ${point.id} is ${point.status}.`);
      print(`Snapshot of ${database.name} at ${database.snapshot_at} (LSN ${database.lsn}, ${database.migration}).`);
      print(
        `Dump ${size(database.dump.size_bytes)}, ${database.objects.count} objects of ${size(database.objects.bytes)}.`,
      );
      print(temporal ? `Temporal's database, ${size(temporal.size_bytes)}.` : 'Temporal keeps its own database.');
      print(point.signature ? `Signed by ${point.signature.public_key}.` : 'Not signed.');
      print(renderChecks(point.checks));
    });
}

function registerVerify(backup: Command, env: Environment): void {
  backup
    .command('verify')
    .argument('[id]', 'the point', 'latest')
    .description('read a whole restore point, every part and every object; exit 1 unless all of it is intact')
    .option('--json', 'print one JSON object; progress goes to standard error')
    .action(async (id: string, { json }: { json?: true }) => {
      await using recovery = await openRecovery(findDeployment(env));
      const point = await recovery.getPoint(id);
      const checks = await recovery.verify(point, progressTo(process.stderr));
      const status = checks.every((check) => check.status === 'ok') ? 'passed' : 'failed';
      if (json) printJson({ id: point.id, status, checks });
      else print(`Restore point ${point.id}: verification ${status}.\n${renderChecks(checks)}`);
      if (status === 'failed') process.exitCode = 1;
    });
}
