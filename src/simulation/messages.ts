import type { ErrorCode, ErrorDetails } from '../errors.ts';
import type { SimulationProgress } from '../schemas/simulation.ts';
import type { SimulationOutcome } from './perform.ts';

/** The messages of a simulation's process to the one that started it. There is exactly one `done` or `failed`, as its last message. */
export type ProcessMessage =
  | { kind: 'progress'; progress: SimulationProgress }
  | { kind: 'done'; outcome: SimulationOutcome }
  | { kind: 'failed'; code: ErrorCode; message: string; details: ErrorDetails };
