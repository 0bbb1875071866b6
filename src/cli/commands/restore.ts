import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { openRecovery } from '../../runtime/recovery.ts';
import type { Restoration, RestorePlan } from '../../schemas/restore-point.ts';
import { findDeployment } from '../connection.ts';
import { progressTo, renderChecks } from '../recovery.ts';
import { duration, size } from '../text.ts';

type RestoreOptions = {
  database?: string;
  bucket?: string;
  acceptIncomplete?: true;
  acceptUnsigned?: true;
  dryRun?: true;
  json?: true;
};

/** Adds `observatory restore`. */
export function registerRestore(program: Command, env: Environment): void {
  program
    .command('restore')
    .argument('[id]', 'the restore point', 'latest')
    .description(
      'restore a point into a new database and a new bucket, beside what is there; needs neither Temporal nor a worker',
    )
    .option('--database <name>', 'the database to make (default: restored_<time>)')
    .option('--bucket <name>', 'the bucket to make (default: restored-<time>)')
    .option('--accept-incomplete', 'restore although objects are missing')
    .option('--accept-unsigned', 'restore although the configured key did not sign the point')
    .option('--dry-run', 'show the plan and do nothing')
    .option('--json', 'print the outcome as one JSON object; plan and progress go to standard error')
    .action(async (id: string, options: RestoreOptions) => {
      const time = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
      const { database = `restored_${time}`, bucket = `restored-${time}`, json } = options;
      await using recovery = await openRecovery(findDeployment(env));
      const accepting = {
        accept_incomplete: options.acceptIncomplete ?? false,
        accept_unsigned: options.acceptUnsigned ?? false,
      };
      await using planned = await recovery.planRestore({ point: id, database, bucket, ...accepting });
      const stream = json ? process.stderr : process.stdout;
      stream.write(`${renderPlan(planned.plan)}\n`);
      if (options.dryRun) {
        if (json) process.stdout.write(`${JSON.stringify({ status: 'planned', plan: planned.plan })}\n`);
        return;
      }
      const restoration = await planned.run(progressTo(process.stderr));
      if (json) process.stdout.write(`${JSON.stringify(restoration)}\n`);
      else process.stdout.write(`${renderRestoration(restoration)}\n`);
      if (restoration.status !== 'complete') process.exitCode = 1;
    });
}

function renderPlan(plan: RestorePlan): string {
  const { from, to } = plan;
  return [
    `Restore point ${plan.point} (${plan.point_status}), snapshot of ${plan.snapshot_at}`,
    `  database  ${from.database} → ${to.database}: ${plan.rows} rows from a dump of ${size(plan.dump_bytes)}`,
    `  objects   ${from.bucket} → ${to.bucket}: ${plan.objects} of ${size(plan.object_bytes)}, ${plan.missing} missing`,
    `  signed    ${plan.signed_by === null ? 'by nobody' : `by ${plan.signed_by}`}`,
    `  temporal  ${plan.temporal ? `${plan.temporal.key} (${size(plan.temporal.size_bytes)}), copied by hand` : 'not part of the point'}`,
  ].join('\n');
}

function renderRestoration({
  status,
  plan,
  checks,
  seconds,
  open_episodes,
  restore_epoch,
  unconfirmed_spans,
}: Restoration): string {
  const lines = [renderChecks(checks), `The restore is ${status} after ${duration(seconds * 1000)}.`];
  if (status === 'complete')
    lines.push(
      `Epoch ${restore_epoch}; ${unconfirmed_spans} spans are read back from Langfuse before they are sent again.`,
      ...(open_episodes.length > 0 ? [`Not ended at the snapshot: ${open_episodes.join(' ')}`] : []),
      'Nothing uses it yet. To switch over, set these',
      `  DATABASE_URL=<the same server>/${plan.to.database}`,
      `  S3_BUCKET_ARTIFACTS=${plan.to.bucket}`,
      'then, before the API and the workers are started with them:',
      '  observatory set-up && observatory reconcile',
    );
  return lines.join('\n');
}
