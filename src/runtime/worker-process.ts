import { join } from 'node:path';

/**
 * How Node runs a worker, which `bin/observatory.mjs` says too. V8 by itself lets the room for short-lived values grow with
 * the machine, to 128 MB; filled and emptied at 32 MB, delivering a long outbox takes as long, and 100 MB less.
 */
export const WORKER_NODE_FLAGS = ['--max-semi-space-size=16'] as const;

/** glibc keeps what each of a worker's twenty threads has freed; from two arenas it is used again, which is 50 MB less when idle. */
export const WORKER_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' } as const;

/** Where Node keeps what it has compiled: a worker that finds its code there starts with a quarter less CPU. */
export const compileCache = (cache: string) => ({ NODE_COMPILE_CACHE: join(cache, 'compiled') });
