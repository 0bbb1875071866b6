import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Receives a line of progress for people. */
export type Log = (line: string) => void;

/** A log of this size is put aside (one older one is kept) when its process starts, so that logs cannot fill a disk. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;
/** Enough to see why a process ended, little enough for a terminal. */
const TAIL_BYTES_MAX = 16 * 1024;
const TAIL_LINES_MAX = 10;
const TAIL_COLUMNS_MAX = 300;

/** Opens `path` for appending; a log that grew beyond 16 MiB is first renamed to `<path>.1`. Returns descriptor and size. */
export function openLogFile(path: string): { fd: number; size: number } {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o640);
  return { fd, size: statSync(path).size };
}

/** The last lines (at most 10, long ones cut) that were written to `path` after its byte `since`. */
export function lastLines(path: string, since = 0): string {
  if (!existsSync(path)) return '';
  const { size } = statSync(path);
  const start = Math.max(since, size - TAIL_BYTES_MAX);
  const bytes = Buffer.alloc(Math.max(0, size - start));
  const fd = openSync(path, 'r');
  try {
    readSync(fd, bytes, 0, bytes.length, start);
  } finally {
    closeSync(fd);
  }
  const lines = bytes.toString('utf8').trim().split('\n');
  return lines
    .slice(-TAIL_LINES_MAX)
    .map((line) => (line.length > TAIL_COLUMNS_MAX ? `${line.slice(0, TAIL_COLUMNS_MAX)} …` : line))
    .join('\n');
}
