/**
 * The entry of a simulation's own process: takes one request, reports progress, answers once, ends. A process and not a worker
 * thread, because a thread that is terminated while the native video encoder works takes the whole process down with it.
 */
import { AppError } from '../errors.ts';
import { PROGRESS_INTERVAL_MS } from './limits.ts';
import { performSimulation } from './perform.ts';
import type { ProcessMessage } from './messages.ts';
import type { SimulationRequest } from './perform.ts';

// Without the one who asked there is nothing left to do.
process.once('disconnect', () => process.exit());
process.once('message', (request: SimulationRequest) => void answer(request));

async function answer(request: SimulationRequest): Promise<void> {
  let reportedAt = -Infinity;
  try {
    const outcome = await performSimulation(request, (progress) => {
      const now = performance.now();
      if (now - reportedAt < PROGRESS_INTERVAL_MS) return;
      reportedAt = now;
      send({ kind: 'progress', progress });
    });
    send({ kind: 'done', outcome });
  } catch (error) {
    const { code, message, details } = engineAborted(error) ?? AppError.from(error);
    send({ kind: 'failed', code, message, details });
  }
}

function send(message: ProcessMessage): void {
  process.send?.(message);
}

/** A trap or an abort inside the engine: the same scene would cause it again. */
function engineAborted(error: unknown): AppError | undefined {
  if (!(error instanceof Error) || error.name !== 'RuntimeError') return undefined;
  return new AppError(
    'invalid_argument',
    `The scene cannot be simulated: the physics engine aborted on it (${error.message}).`,
  );
}
