/** Goal: an object store that goes away in the middle costs time, or the point, never its truth. Method: a proxy before S3 that is cut. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { RestorePoint } from '../../../src/schemas/restore-point.ts';
import { RESTORE_POINT_WORKFLOW } from '../../../src/workflows/names.ts';
import { createRecoveryDeployment, untilPending } from './recovery-deployment.ts';

/** A way to a server that can be cut and mended. */
async function openProxy(target: URL) {
  const sockets = new Set<Socket>();
  let cut = false;
  const server = createServer((socket) => {
    const onward = connect(Number(target.port), target.hostname);
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => sockets.delete(one));
    }
    if (cut) socket.destroy();
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      cut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      cut = false;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test.each([
  { outage: 'ends', outage_s_max: 600, status: 'complete' },
  { outage: 'does not end', outage_s_max: 1, status: 'failed' },
])(
  'a store that goes away while objects are mirrored, when the outage $outage, leaves a point that is $status',
  { timeout: 240_000 },
  async ({ outage, outage_s_max, status }) => {
    await using deployment = await createRecoveryDeployment();
    await using proxy = await openProxy(new URL(deployment.config.s3.endpoint));
    await deployment.store(Array.from({ length: 60 }, (_, n) => `kept ${n}`));
    await deployment.startWorker({ S3_ENDPOINT: proxy.url });
    const prefix = deployment.config.temporal.task_queue_prefix;
    const handle = await deployment.workflows.client.workflow.start(RESTORE_POINT_WORKFLOW, {
      taskQueue: `${prefix}maintenance`,
      workflowId: `${prefix}outage`,
      args: [{ outage_s_max }],
    });
    await untilPending(handle, ({ name }) => name === 'mirrorObjects');
    proxy.cut();
    if (outage === 'ends') {
      await untilPending(handle, ({ attempt }) => attempt > 1);
      proxy.mend();
    }
    const point = await handle.result().then(
      (result) => result as RestorePoint,
      (error: { cause?: { details?: RestorePoint[] } }) => error.cause?.details?.[0],
    );
    expect(point?.status).toBe(status);
    const failures = point?.checks.filter((check) => check.status !== 'ok').map(({ name }) => name);
    expect(failures).toEqual(status === 'complete' ? [] : ['mirror']);
  },
);
