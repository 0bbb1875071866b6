import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { reconcile } from '../../runtime/reconcile.ts';
import { findDeployment } from '../connection.ts';
import { examples, print, printJson } from '../output.ts';

/** Adds `observatory reconcile`. */
export function registerReconcile(program: Command, env: Environment): void {
  program
    .command('reconcile')
    .description('after a restore: give every episode that was open a new run from its last recorded step')
    .option('--resume-schedules', 'let the schedules run again, which wait since the restore')
    .option('--json', 'print what was done as one JSON object')
    .addHelpText('after', examples('observatory reconcile', 'observatory reconcile --resume-schedules'))
    .action(async ({ resumeSchedules, json }: { resumeSchedules?: true; json?: true }) => {
      const done = await reconcile(findDeployment(env), { resume_schedules: resumeSchedules ?? false });
      if (json) {
        printJson(done);
        return;
      }
      for (const { episode_id, after_seq } of done.continued) print(`${episode_id} goes on after step ${after_seq}.`);
      for (const workflow_id of done.terminated)
        print(`${workflow_id} was ended: the record does not know it as open.`);
      print(`${done.continued.length} episodes go on in epoch ${done.restore_epoch}.`);
      if (done.schedules === 'held')
        print('Schedules wait. When all is well: observatory reconcile --resume-schedules');
    });
}
