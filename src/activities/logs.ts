import type { Kysely } from 'kysely';
import { AppError } from '../errors.ts';
import { insertLogLines } from '../db/write/logs.ts';
import type { NewLogLine } from '../db/write/logs.ts';
import type { Database } from '../schemas/database.ts';
import { LOG_LINE_CHARS_MAX } from '../schemas/log.ts';
import { storableText } from '../schemas/primitives.ts';
import type { LogLevel, LogStream } from '../schemas/log.ts';

/** Lines reach the database at most this long after they were written. */
const FLUSH_INTERVAL_MS = 250;
/** A batch is sent at once when it holds this many lines, so that memory stays bounded under a flood. */
const BATCH_LINES_MAX = 1_000;
/** What one attempt may keep in Postgres, in UTF-16 units; the rest is counted and said, never dropped in silence. */
export const LOG_CHARS_PER_ATTEMPT_MAX = 10 * 1024 * 1024;

/** The execution log of one attempt. Writing never waits and never fails the work; `close` waits until all is stored. */
export type LogWriter = AsyncDisposable & {
  write(stream: LogStream, text: string, level?: LogLevel): void;
  /** Resolves when every line written so far is stored; throws what kept the database from it. */
  close(): Promise<void>;
};

/** Opens the log of one attempt; its lines are numbered from 1 in the order in which they are written. */
export function openLog(
  db: Kysely<Database>,
  target: { episode_id: string; step_id: string; attempt: number },
): LogWriter {
  let pending: NewLogLine[] = [];
  let partial: Partial<Record<LogStream, string>> = {};
  let line = 0;
  let kept = 0;
  let left = 0;
  let timer: NodeJS.Timeout | undefined;
  let storing: Promise<void> = Promise.resolve();
  let failure: unknown;

  const push = (stream: LogStream, level: LogLevel, text: string) => {
    if (kept > LOG_CHARS_PER_ATTEMPT_MAX) {
      left += 1;
      return;
    }
    kept += text.length;
    line += 1;
    pending.push({ line, stream, level, at: new Date().toISOString(), text: storableText(text) });
    if (pending.length >= BATCH_LINES_MAX) flush();
    else timer ??= setTimeout(flush, FLUSH_INTERVAL_MS);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const lines = pending;
    pending = [];
    storing = storing
      .then(() => insertLogLines(db, { ...target, lines }))
      .catch((error: unknown) => {
        failure ??= error;
      });
  };
  const emit = (stream: LogStream, level: LogLevel, text: string) => {
    for (let from = 0; from === 0 || from < text.length; from += LOG_LINE_CHARS_MAX)
      push(stream, level, text.slice(from, from + LOG_LINE_CHARS_MAX));
  };
  const close = async () => {
    for (const [stream, rest] of Object.entries(partial)) if (rest) emit(stream as LogStream, 'info', rest);
    partial = {};
    if (left > 0) {
      kept = 0;
      emit(
        'system',
        'warning',
        `${left} more lines were written; an attempt keeps ${LOG_CHARS_PER_ATTEMPT_MAX} characters`,
      );
      left = 0;
    }
    flush();
    await storing;
    if (failure !== undefined) throw AppError.from(failure);
  };
  return {
    write(stream, text, level = 'info') {
      const lines = `${partial[stream] ?? ''}${text}`.split('\n');
      // A command's last piece may go on in the next chunk; what we write ourselves is whole lines.
      const rest = stream === 'stdout' || stream === 'stderr' ? (lines.pop() ?? '') : '';
      if (rest.length > LOG_LINE_CHARS_MAX) lines.push(rest);
      partial[stream] = rest.length > LOG_LINE_CHARS_MAX ? '' : rest;
      for (const one of lines) emit(stream, level, one);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
