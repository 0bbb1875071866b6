import type { GuardedOptions, GuardedProcess } from './guarded-process.ts';
import type { ServerUser } from './home.ts';

/** What each embedded server is started with. `folder` is its own; `binary` its program (Postgres: their folder). */
export type ServerOptions = {
  folder: string;
  binary: string;
  port: number;
  user: ServerUser;
  log_file: string;
  pid_file: string;
  /** The variables that it may see: no more than it needs, and none of the operator's secrets. */
  env: Record<string, string>;
};

/** A running embedded server. */
export type Server = AsyncDisposable & {
  readonly pid: number;
  /** Settles when it has ended, with how; before `stop` that is a failure. */
  readonly exited: Promise<string>;
  /** Ends it in good order; resolves when it is gone. */
  stop: () => Promise<void>;
  /** Ends it at once. */
  kill: () => void;
  /** Resolves when all that it started is gone too. */
  gone: () => Promise<void>;
};

/** The part of a guarded process's options that follows from the server's. */
export function guardedOptions(
  options: ServerOptions,
  name: string,
): Pick<GuardedOptions, 'name' | 'env' | 'cwd' | 'log_file' | 'pid_file'> {
  return { name, env: options.env, cwd: options.folder, log_file: options.log_file, pid_file: options.pid_file };
}

/** The server's view of its process. */
export function serverOf({ pid, exited, stop, kill, gone }: GuardedProcess): Server {
  return { pid, exited, stop, kill, gone, [Symbol.asyncDispose]: stop };
}
