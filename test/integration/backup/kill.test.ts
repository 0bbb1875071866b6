/** Goal: a worker that dies in any phase of a restore point costs time and nothing else. Method: kill -9 as each phase begins. */
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestorePoint } from '../../../src/schemas/restore-point.ts';
import { RESTORE_POINT_WORKFLOW } from '../../../src/workflows/names.ts';
import { createRecoveryDeployment, untilPending } from './recovery-deployment.ts';
import type { RecoveryDeployment } from './recovery-deployment.ts';

const PHASES = ['copyTemporal', 'dumpDatabase', 'mirrorObjects', 'sealRestorePoint'];

let deployment: RecoveryDeployment;
/** The one that takes over is the next to be killed. */
let worker: ChildProcess;
beforeAll(async () => {
  deployment = await createRecoveryDeployment();
  worker = await deployment.startWorker();
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test.each(PHASES)(
  'a worker killed in %s leaves a complete point to the next worker',
  { timeout: 180_000 },
  async (phase) => {
    await deployment.store(Array.from({ length: 40 }, (_, n) => `kept ${phase} ${n}`));
    const { client } = deployment.workflows;
    const prefix = deployment.config.temporal.task_queue_prefix;
    const handle = await client.workflow.start(RESTORE_POINT_WORKFLOW, {
      taskQueue: `${prefix}maintenance`,
      workflowId: `${prefix}killed-${phase}`,
      args: [{ outage_s_max: 60 }],
    });
    await untilPending(handle, ({ name }) => name === phase);
    worker.kill('SIGKILL');
    worker = await deployment.startWorker();
    const point = (await handle.result()) as RestorePoint;
    expect(point).toMatchObject({ status: 'complete' });
    expect(await deployment.verify(point.id)).toMatchObject({ status: 'passed' });
    const { rows } = await deployment.backups.pool.query('select id, status from restore_points order by id desc');
    expect(rows[0]).toEqual({ id: point.id, status: 'complete' });
    expect(rows).toHaveLength(1 + PHASES.indexOf(phase));
  },
);
