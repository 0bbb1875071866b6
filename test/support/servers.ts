/**
 * Real PostgreSQL, S3 and Temporal for the tests, started once by the code that starts the embedded stack, on any free
 * ports and in a folder of their own; a developer's DATABASE_URL, S3_ENDPOINT or TEMPORAL_ADDRESS is used instead where
 * set. A test reads `loadConfig(inject('environment'))`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The variables that `loadConfig` parses into the addresses of the servers under test. */
    environment: Record<string, string>;
  }
}

/** Vitest's global set-up: provides `environment`; what it returns stops the servers and removes their data. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { env, stop } = await bootServers((line) => project.vitest.logger.log(line));
  project.provide('environment', env);
  return stop;
}

/** Starts the servers; `env` are the variables that say where they are, `stop` ends them and removes their data. */
export async function bootServers(
  log: (line: string) => void,
): Promise<{ env: Record<string, string>; stop: () => Promise<void> }> {
  const env = processEnvironment();
  const home = await mkdtemp(join(tmpdir(), 'observatory-test-'));
  const remove = async () => rm(home, { recursive: true });
  const servers = await startServers({
    home,
    env,
    log,
    // Fetched programs are kept where `npm start` keeps them.
    cache: cacheFolder(env),
    ports: 'any',
  }).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    env: servers.env,
    stop: async () => {
      await servers.stop();
      await remove();
    },
  };
}
