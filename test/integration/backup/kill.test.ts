/** Goal: a worker that dies in any phase of a restore point costs time and nothing else. Method: kill -9 as each phase begins. */
import { expect, test } from 'vitest';
import type { RestorePoint } from '../../../src/schemas/restore-point.ts';
import { RESTORE_POINT_WORKFLOW } from '../../../src/workflows/names.ts';
import { createRecoveryDeployment, untilPending } from './recovery-deployment.ts';

const PHASES = ['copyTemporal', 'dumpDatabase', 'mirrorObjects', 'sealRestorePoint'];

test.each(PHASES)(
  'a worker killed in %s leaves a complete point to the next worker',
  { timeout: 180_000 },
  async (phase) => {
    await using deployment = await createRecoveryDeployment();
    await deployment.store(Array.from({ length: 40 }, (_, n) => `kept ${phase} ${n}`));
    const { client } = deployment.workflows;
    const prefix = deployment.config.temporal.task_queue_prefix;
    const worker = await deployment.startWorker();
    const handle = await client.workflow.start(RESTORE_POINT_WORKFLOW, {
      taskQueue: `${prefix}maintenance`,
      workflowId: `${prefix}killed-${phase}`,
      args: [{ outage_s_max: 60 }],
    });
    await untilPending(handle, ({ name }) => name === phase);
    worker.kill('SIGKILL');
    await deployment.startWorker();
    const point = (await handle.result()) as RestorePoint;
    expect(point).toMatchObject({ status: 'complete' });
    const verified = await deployment.run(['backup', 'verify', point.id, '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({ id: point.id, status: 'passed' });
    const { rows } = await deployment.backups.pool.query('select id, status from restore_points');
    expect(rows).toEqual([{ id: point.id, status: 'complete' }]);
  },
);
