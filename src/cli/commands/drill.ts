import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import type { RestoreDrill } from '../../schemas/restore-point.ts';
import { RESTORE_DRILL_WORKFLOW } from '../../workflows/names.ts';
import { findDeployment } from '../connection.ts';
import { progressTo, renderChecks, runRecoveryWorkflow } from '../recovery.ts';

/** Adds `observatory drill`. */
export function registerDrill(program: Command, env: Environment): void {
  program
    .command('drill')
    .argument('[id]', 'the restore point', 'latest')
    .description(
      'restore a point into a scratch database, check everything in it, and drop it; exit 1 unless it passed',
    )
    .option('--json', 'print the drill as one JSON object; progress goes to standard error')
    .action(async (id: string, { json }: { json?: true }) => {
      const drill = await runRecoveryWorkflow<RestoreDrill>(findDeployment(env), {
        workflow: RESTORE_DRILL_WORKFLOW,
        args: [id === 'latest' ? {} : { point_id: id }],
        onProgress: progressTo(process.stderr),
      });
      if (json) process.stdout.write(`${JSON.stringify(drill)}\n`);
      else {
        const took =
          drill.rto_seconds === null ? '' : ` The database was back after ${drill.rto_seconds.toFixed(1)} s.`;
        process.stdout.write(`The drill on ${drill.point_id} ${drill.status}.${took}\n${renderChecks(drill.checks)}\n`);
      }
      if (drill.status !== 'passed') process.exitCode = 1;
    });
}
