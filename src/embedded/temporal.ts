import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { ready, startGuarded } from './guarded-process.ts';
import { guardedOptions, serverOf } from './server.ts';
import type { Server, ServerOptions } from './server.ts';

const READY_DURATION_MS_MAX = 60_000;
const CONNECT_DURATION_MS_MAX = 1_000;
const STOP_SECONDS_MAX = 15;
/** The namespace that the development server always has. */
export const EMBEDDED_NAMESPACE = 'default';

/** A running Temporal: its gRPC address and its Web UI. */
export type TemporalServer = Server & { address: string; ui_url: string };

/**
 * Starts Temporal's development server with its Web UI on the loopback address only, its state in
 * `<folder>/temporal.db`; resolves when the namespace `default` answers. Throws `unavailable`.
 */
export async function startTemporal(options: ServerOptions & { ui_port: number }): Promise<TemporalServer> {
  const { folder, port, ui_port } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const child = await startGuarded({
    ...guardedOptions(options, 'temporal'),
    command: options.binary,
    args: ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(ui_port)].concat(
      ['--db-filename', join(folder, 'temporal.db'), '--ui-disable-news-fetch'],
      ['--log-level', 'warn', '--color', 'never', '--disable-config-file', '--disable-config-env'],
    ),
    user: undefined,
    stop_signal: 'TERM',
    stop_seconds_max: STOP_SECONDS_MAX,
  });
  const address = `127.0.0.1:${port}`;
  await ready(child, {
    what: 'Temporal',
    duration_ms_max: READY_DURATION_MS_MAX,
    attempt: () => describeNamespace(address),
  });
  return { ...serverOf(child), address, ui_url: `http://127.0.0.1:${ui_port}` };
}

async function describeNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: CONNECT_DURATION_MS_MAX });
  try {
    await connection.withDeadline(Date.now() + CONNECT_DURATION_MS_MAX, () =>
      connection.workflowService.describeNamespace({ namespace: EMBEDDED_NAMESPACE }),
    );
  } finally {
    await connection.close();
  }
}
