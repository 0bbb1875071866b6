import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';
import { PROCESS_LIMITS } from './limits.ts';
import { RenderOptions } from './render-options.ts';
import type { ChildProcess } from 'node:child_process';
import type { z } from 'zod';
import type { Benchmark, Physics, Seed, SimulationProgress } from '../schemas/simulation.ts';
import type { ProcessMessage } from './messages.ts';
import type { SimulationOutcome, SimulationRequest } from './perform.ts';
import type { SceneFiles } from './scene.ts';

/** A simulation to run in a process of its own. */
export interface RunSimulationOptions {
  scene: SceneFiles;
  benchmark: Benchmark;
  seed: Seed;
  /** Given where a recorded simulation is run again: stepped and judged as then. */
  physics?: Physics | undefined;
  /** What is pictured; members left out take their defaults. `false`: physics only. */
  render?: z.input<typeof RenderOptions> | false;
  /** Called at most every 100 ms. */
  onProgress?: (progress: SimulationProgress) => void;
  /** Ends the simulation at once. */
  signal?: AbortSignal;
  /** Wall-clock milliseconds after which the simulation is given up. */
  wallClockMsMax?: number;
}

/**
 * Runs a simulation in a process of its own, so that neither its work nor its crash reaches the caller. The outcome tells success
 * and failure of the mechanism alike. Throws `invalid_argument` for a scene that cannot be run, `resource_exhausted` for one that
 * exceeds a limit (size, memory, wall clock), `cancelled` when `signal` aborts, `internal` when the process dies for another reason.
 */
export async function runSimulation(options: RunSimulationOptions): Promise<SimulationOutcome> {
  const { scene, benchmark, seed, physics, signal, wallClockMsMax = PROCESS_LIMITS.WALL_CLOCK_MS_MAX } = options;
  if (signal?.aborted === true) throw cancelled();
  const render = options.render === false ? false : RenderOptions.parse(options.render ?? {});
  const child = startProcess();
  const { promise, resolve, reject } = Promise.withResolvers<SimulationOutcome>();
  const abort = () => reject(cancelled());
  const timer = setTimeout(() => reject(outOfTime(wallClockMsMax, simulated)), wallClockMsMax);
  let simulated = 0;
  let stderr = '';
  signal?.addEventListener('abort', abort, { once: true });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-PROCESS_LIMITS.STDERR_CHARS_MAX);
  });
  child.once('error', (error) => reject(AppError.from(error)));
  child.once('close', (code, killedBy) => reject(died(code, killedBy, stderr)));
  child.on('message', (message: ProcessMessage) => {
    if (message.kind === 'done') resolve(message.outcome);
    else if (message.kind === 'failed')
      reject(new AppError(message.code, message.message, { details: message.details }));
    else {
      simulated = message.progress.sim_t;
      try {
        options.onProgress?.(message.progress);
      } catch (error) {
        // What the caller's own function throws is the caller's answer, not an uncaught exception of its process.
        reject(error);
      }
    }
  });
  try {
    child.send({ scene, benchmark, seed, physics, render } satisfies SimulationRequest, (error) => {
      if (error !== null) reject(AppError.from(error));
    });
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    child.kill('SIGKILL');
  }
}

/** No environment: the scene is an agent's, and the process needs none of our secrets. */
function startProcess(): ChildProcess {
  return fork(fileURLToPath(new URL('./simulation-process.ts', import.meta.url)), [], {
    env: {},
    execArgv: [
      `--max-old-space-size=${PROCESS_LIMITS.HEAP_MB_MAX}`,
      `--wasm-max-mem-pages=${PROCESS_LIMITS.WASM_PAGES_MAX}`,
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

const cancelled = () => new AppError('cancelled', 'the simulation was cancelled');

function outOfTime(limit_ms: number, simulated_s: number): AppError {
  return new AppError(
    'resource_exhausted',
    `TIMEOUT: the simulation was given up after ${limit_ms / 1000} s of computing, at ${simulated_s.toFixed(2)} simulated seconds. Use fewer geoms and contacts, or coarser meshes.`,
    { details: { failure_reason: 'TIMEOUT', simulated_s } },
  );
}

/** V8 ends a process that is out of memory with SIGABRT, and says so on stderr. */
function died(code: number | null, signal: NodeJS.Signals | null, stderr: string): AppError {
  if (/heap out of memory|Zone Allocation failed|Array buffer allocation failed/i.test(stderr))
    return new AppError(
      'resource_exhausted',
      `The scene needs more memory than a simulation has (${PROCESS_LIMITS.HEAP_MB_MAX} MiB).`,
    );
  const how = signal === null ? `exit status ${code}` : `signal ${signal}`;
  return new AppError('internal', `the simulation's process died (${how}) ${stderr.trim()}`.trim());
}
