import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../errors.ts';
import { COLLECTOR_HOST, COLLECTOR_PORT_DEFAULT } from '../../runtime/langfuse-stand-in.ts';
import { loadConfig } from '../../config/config.ts';
import type { Config, Environment } from '../../config/config.ts';
import type { Log } from '../../embedded/log-file.ts';
import { startServers } from '../../embedded/stack.ts';
import type { PartName, RunningServers } from '../../embedded/stack.ts';
import { until } from '../../embedded/until.ts';
import { setUpDeployment } from '../../runtime/set-up.ts';
import { API_PORT_DEFAULT } from '../../config/variables.ts';
import { removeState, writeState } from './state.ts';
import type { Addresses } from './state.ts';
import { superviseProcess } from './supervised-process.ts';
import type { SupervisedProcess } from './supervised-process.ts';

/** What is to run, who is called with its state, and what ends it. `now` fires when people will not wait for good order. */
export type StackRun = {
  env: Environment;
  home: string;
  demo: boolean;
  log: Log;
  stop: AbortSignal;
  now: AbortSignal;
  onUp: (addresses: Addresses) => Promise<void>;
};

/** The command line's entry, which the stack's processes run. */
export const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/**
 * Runs the whole stack until `stop` fires: servers, set-up, collector, worker and API, the demo episode when there is none, then
 * `onUp`. Ends them in the opposite order. Throws what kept it from coming up, or the failure of a server that could
 * not be started again, after everything has been stopped.
 */
export async function runStack(run: StackRun): Promise<void> {
  const servers = await startServers(run);
  const processes: SupervisedProcess[] = [];
  const kill = () => {
    for (const running of [...processes, servers]) running.kill();
    removeState(run.home);
  };
  run.now.addEventListener('abort', kill, { once: true });
  const ending = new AbortController();
  const failed = keepServers(servers, run.log, ending.signal);
  // It is raced below; a rejection after the race, while everything stops, changes nothing.
  failed.catch(() => undefined);
  try {
    await Promise.race([failed, comeUp(run, servers, processes)]);
    if (!run.stop.aborted) await Promise.race([failed, once(run.stop, 'abort')]);
  } catch (error) {
    if (!run.stop.aborted) throw error;
  } finally {
    ending.abort();
    run.log('Stopping');
    for (const running of processes.toReversed()) await running.stop();
    if (processes.length > 0) run.log('API and worker stopped');
    await servers.stop();
    removeState(run.home);
    run.now.removeEventListener('abort', kill);
  }
}

const HEALTHY_DURATION_MS_MAX = 120_000;
const HEALTH_REQUEST_MS_MAX = 2_000;
/** A process that ends this often before it was ever well will not get well by itself. */
const EARLY_FAILURES_MAX = 3;
const DEMO_DURATION_MS_MAX = 10 * 60_000;

async function comeUp(run: StackRun, servers: RunningServers, processes: SupervisedProcess[]): Promise<void> {
  const { home, log, stop } = run;
  stop.throwIfAborted();
  const port = run.env['API_PORT'] ?? String(await servers.ports.choose('api', API_PORT_DEFAULT));
  const collector = await collectorVariables(run.env, servers);
  const own = { ...servers.env, ...collector, API_PORT: port };
  const config = loadConfig(own);
  const api_key = config.mode === 'development' ? config.api.key?.reveal() : undefined;
  await setUpDeployment(config, { log, ...(api_key !== undefined && { api_key }) });
  stop.throwIfAborted();
  const env = { ...definedIn(run.env), ...own };
  const start = async (command: string) => {
    const running = await superviseProcess({ command, main: MAIN, env, home, log });
    processes.push(running);
    return running;
  };
  if (collector !== undefined) await start('collector');
  await start('worker');
  await start('api');
  await healthy(config, processes, stop);
  const addresses = addressesOf(config, collector !== undefined);
  writeState(home, { env: own, addresses, ready: false });
  if (run.demo) await runDemo(run, env);
  stop.throwIfAborted();
  writeState(home, { env: own, addresses, ready: true });
  await run.onUp(addresses);
}

/** Where our stand-in for Langfuse is to listen; undefined when one's own is given, or in production. */
async function collectorVariables(
  env: Environment,
  { env: known, ports, langfuse_keys }: RunningServers,
): Promise<Record<string, string> | undefined> {
  // Half of a configuration is for `loadConfig` to refuse.
  const given = Object.keys(known).some((name) => name.startsWith('LANGFUSE_'));
  if (given || env['OBSERVATORY_MODE'] === 'production') return undefined;
  const port = await ports.choose('collector', COLLECTOR_PORT_DEFAULT);
  return { LANGFUSE_BASE_URL: `http://${COLLECTOR_HOST}:${port}`, ...langfuse_keys };
}

async function healthy(config: Config, processes: SupervisedProcess[], stop: AbortSignal): Promise<void> {
  const { host, port } = config.api;
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host;
  await until({
    what: 'An answer of the API',
    duration_ms_max: HEALTHY_DURATION_MS_MAX,
    attempt: async () => {
      stop.throwIfAborted();
      const failing = processes.find((running) => running.failures() >= EARLY_FAILURES_MAX);
      if (failing !== undefined)
        throw new AppError(
          'aborted',
          `The API, the worker or the collector does not start. Its last lines:\n${failing.lastLines()}`,
        );
      const response = await fetch(`http://${local}:${port}/healthz`, {
        signal: AbortSignal.timeout(HEALTH_REQUEST_MS_MAX),
      });
      return response.ok ? true : undefined;
    },
    giveUp: (error) => stop.aborted || (error instanceof AppError && error.code === 'aborted'),
  });
}

/** The demo's failure is reported but keeps nothing from running. */
async function runDemo({ log, home, stop }: StackRun, env: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, [MAIN, 'demo', '--if-none'], {
    env,
    cwd: home,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEMO_DURATION_MS_MAX,
  });
  const end = () => child.kill();
  stop.addEventListener('abort', end, { once: true });
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', log);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  stop.removeEventListener('abort', end);
  if (code !== 0 && !stop.aborted) log(`The demo episode failed (${signal ?? `exit code ${code}`})`);
}

/** Starts servers that end by themselves again; rejects when one cannot be. Never resolves: it is raced. */
async function keepServers(servers: RunningServers, log: Log, ending: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const keep = async (name: PartName) => {
      while (!ending.aborted) {
        const how = await servers.servers.get(name)?.exited;
        if (ending.aborted) return;
        log(`${name} ended (${how}); starting it again`);
        await servers.restart(name);
      }
    };
    for (const name of servers.servers.keys()) keep(name).catch(reject);
  });
}

function addressesOf(config: Config, traces_stand_in: boolean): Addresses {
  const { host, pathname } = new URL(config.database_url.reveal());
  return {
    api: config.api.public_url,
    openapi: `${config.api.public_url}/openapi.json`,
    temporal: config.temporal.address,
    temporal_ui: config.temporal.ui_url ?? null,
    s3: config.s3.endpoint,
    traces: config.langfuse?.base_url ?? null,
    traces_stand_in,
    postgres: `${host}${pathname}`,
    home: config.home,
    logs: join(config.home, 'logs'),
  };
}

function definedIn(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
