import { once } from 'node:events';
import { startCollector } from '../langfuse-stand-in/server.ts';
import { AppError } from '../errors.ts';
import type { Config } from '../config/config.ts';

/** The port that the collector asks for first. */
export const COLLECTOR_PORT_DEFAULT = 7735;
/** The collector listens on this machine only. */
export const COLLECTOR_HOST = '127.0.0.1';

/**
 * Runs the Langfuse stand-in at LANGFUSE_BASE_URL, with LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY as its keys, until the
 * process is told to stop. Throws `failed_precondition` when these are not given or name another machine.
 */
export async function runCollector(config: Config, log: (line: string) => void): Promise<void> {
  const { langfuse } = config;
  const url = new URL(langfuse?.base_url ?? 'http://unset');
  if (langfuse === undefined || url.protocol !== 'http:' || url.hostname !== COLLECTOR_HOST)
    throw new AppError(
      'failed_precondition',
      `The collector listens where LANGFUSE_BASE_URL says, on this machine only: set it to http://${COLLECTOR_HOST}:${COLLECTOR_PORT_DEFAULT}, and LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to keys of your own.`,
    );
  await using collector = await startCollector({
    databaseUrl: config.database_url.reveal(),
    port: Number(url.port || '80'),
    keys: { public_key: langfuse.public_key, secret_key: langfuse.secret_key.reveal() },
  });
  log(`the collector listens on ${collector.url}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
