import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, Owner, thisProcess } from '../../embedded/home.ts';
import { writePrivate } from '../../embedded/private-file.ts';

/** Where a stack's parts are to be found, for people and for `--json`; nothing secret. */
export type Addresses = z.infer<typeof Addresses>;
const Addresses = z.object({
  api: z.string(),
  openapi: z.string(),
  temporal: z.string(),
  temporal_ui: z.string().nullable(),
  s3: z.string(),
  traces: z.string().nullable(),
  /** Whether that is our own stand-in for Langfuse. */
  traces_stand_in: z.boolean(),
  postgres: z.string(),
  home: z.string(),
  logs: z.string(),
});

const StackState = z.object({
  owner: Owner,
  env: z.record(z.string(), z.string()),
  addresses: Addresses,
  ready: z.boolean(),
});

/** A living stack: the environment of its processes (with secrets), its addresses, its supervisor, and whether all is up. */
export type RunningStack = { env: Record<string, string>; addresses: Addresses; pid: number; ready: boolean };

/** The living stack of this home, if there is one; a state file that a killed supervisor left behind counts for nothing. */
export function findRunningStack(home: string): RunningStack | undefined {
  const state = readState(home);
  if (state === undefined || !isAlive(state.owner)) return undefined;
  return { env: state.env, addresses: state.addresses, pid: state.owner.pid, ready: state.ready };
}

/** Notes this process as the home's stack, readable by its user only. */
export function writeState(home: string, state: Omit<RunningStack, 'pid'>): void {
  writePrivate(statePath(home), { owner: thisProcess(), ...state });
}

/** Forgets the stack of this home. */
export function removeState(home: string): void {
  rmSync(statePath(home), { force: true });
}

function statePath(home: string): string {
  return join(home, 'stack.json');
}

function readState(home: string): z.infer<typeof StackState> | undefined {
  try {
    return StackState.parse(JSON.parse(readFileSync(statePath(home), 'utf8')));
  } catch {
    // Absent, or written by another version: no stack that we could speak of.
    return undefined;
  }
}
