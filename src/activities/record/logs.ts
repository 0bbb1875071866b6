import { randomUUID } from 'node:crypto';
import { appendFileSync, closeSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { AppError } from '../../errors.ts';
import { insertLogLines } from '../../db/write/logs.ts';
import type { NewLogLine } from '../../db/write/logs.ts';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import { LOG_LINE_CHARS_MAX } from '../../schemas/log.ts';
import type { LogLevel, LogStream } from '../../schemas/log.ts';
import { storableText } from '../../schemas/primitives.ts';
import type { LogWriter } from '../../agents/tools/tool.ts';
import { keepTrying } from './keep-trying.ts';

/** Lines reach the database at most this long after they were written. */
const FLUSH_INTERVAL_MS = 250;
/** A batch is sent at once when it holds this many lines, so that memory stays bounded under a flood. */
const BATCH_LINES_MAX = 1_000;
/** What one attempt may keep in Postgres, in UTF-16 units and counting each line's row; the rest becomes an artifact. */
const LOG_CHARS_PER_ATTEMPT_MAX = 10 * 1024 * 1024;
/** What a line costs beside its text: a flood of empty lines is a flood, too. */
const LINE_CHARS = 100;
/** What is kept in the artifact, far above what a command may write; beyond it, characters are counted and said. */
const REST_CHARS_MAX = 1024 * 1024 * 1024;

/** The execution log of one attempt. Writing never waits and never fails the work; `close` waits until all is stored. */
export type AttemptLog = LogWriter &
  AsyncDisposable & {
    /**
     * Resolves when every line written so far is stored; throws what kept the database from it. Returns the artifact that
     * holds what was beyond the bound, if anything was; with `drop_rest`, when there is no step to link it to, that is dropped
     * and the log says so.
     */
    close(options?: { drop_rest?: boolean }): Promise<ArtifactLink | null>;
  };

/** What a log is opened with. `storeRest` stores a file as an artifact of the step. */
export type LogTarget = {
  episode_id: string;
  step_id: string;
  attempt: number;
  redact: (text: string) => string;
  storeRest: (file: string) => Promise<ArtifactLink>;
};

/** Opens the log of one attempt; its lines are numbered from 1 in the order in which they are written, secrets taken out. */
export function openAttemptLog(db: Kysely<Database>, { redact, storeRest, ...target }: LogTarget): AttemptLog {
  const pending: NewLogLine[] = [];
  const partials = createPartials();
  let line = 0;
  let kept = 0;
  let timer: NodeJS.Timeout | undefined;
  let storing: Promise<void> = Promise.resolve();
  let failure: unknown;
  const rest = createRest();
  const isFull = (stream: LogStream) => kept > LOG_CHARS_PER_ATTEMPT_MAX && stream !== 'system';
  const keepRest = (text: string) => {
    try {
      rest.add(storableText(redact(text)));
    } catch (error) {
      failure ??= error;
    }
  };
  const push = (stream: LogStream, level: LogLevel, text: string) => {
    if (isFull(stream)) return keepRest(`${text}\n`);
    kept += text.length + LINE_CHARS;
    line += 1;
    pending.push({ line, stream, level, at: new Date().toISOString(), text: storableText(redact(text)) });
    if (pending.length >= BATCH_LINES_MAX) flush();
    else timer ??= setTimeout(flush, FLUSH_INTERVAL_MS);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const lines = pending.splice(0);
    storing = storing
      .then(() => keepTrying(() => insertLogLines(db, { ...target, lines })))
      .catch((error: unknown) => {
        failure ??= error;
      });
  };
  const emit = (stream: LogStream, level: LogLevel, text: string) => {
    for (let from = 0; from === 0 || from < text.length; from += LOG_LINE_CHARS_MAX)
      push(stream, level, text.slice(from, from + LOG_LINE_CHARS_MAX));
  };
  const closeRest = async (drop: boolean) => {
    const { file, chars, dropped } = rest;
    if (file === null) return null;
    const link = drop ? null : await storeRest(file);
    const where = link ? `goes on in ${link.path} with ${chars}` : `left out ${chars}, as the attempt failed, of`;
    const beyond = dropped > 0 ? `, and ${dropped} more were not kept` : '';
    emit('system', 'warning', `the log ${where} characters beyond what it keeps of an attempt${beyond}`);
    rest.remove();
    return link;
  };
  const close: AttemptLog['close'] = async ({ drop_rest = false } = {}) => {
    for (const [stream, text] of partials.takeRest()) emit(stream, 'info', text);
    const link = await closeRest(drop_rest);
    flush();
    await storing;
    if (failure !== undefined) throw AppError.from(failure);
    return link;
  };
  return {
    write(stream, text, level = 'info') {
      const whole = partials.take(stream, text);
      if (whole === '') return;
      if (isFull(stream)) return keepRest(whole);
      for (const one of whole.replace(/\n$/, '').split('\n')) emit(stream, level, one);
    },
    close,
    async [Symbol.asyncDispose]() {
      await close({ drop_rest: true });
    },
  };
}

/** The last pieces of a command's streams, which may go on in the next chunk. What we write ourselves is whole lines. */
function createPartials() {
  const partials = new Map<LogStream, string>();
  return {
    /** What was written up to the end of its last line; '' for nothing. */
    take(stream: LogStream, text: string): string {
      if (stream !== 'stdout' && stream !== 'stderr') return `${text}\n`;
      const all = `${partials.get(stream) ?? ''}${text}`;
      const end = all.lastIndexOf('\n') + 1;
      const cut = all.length - end > LOG_LINE_CHARS_MAX ? all.length : end;
      partials.set(stream, all.slice(cut));
      return all.slice(0, cut);
    },
    takeRest(): [LogStream, string][] {
      const rest = [...partials].filter(([, text]) => text !== '');
      partials.clear();
      return rest;
    },
  };
}

/** A temporary file that begins with the first text; written at once, so that a flood waits for the disk and not in memory. */
function createRest() {
  let fd: number | null = null;
  const rest = {
    file: null as string | null,
    chars: 0,
    dropped: 0,
    add(text: string) {
      if (rest.chars > REST_CHARS_MAX) {
        rest.dropped += text.length;
        return;
      }
      rest.file ??= join(tmpdir(), `observatory-log-${randomUUID()}.txt`);
      fd ??= openSync(rest.file, 'wx', 0o600);
      appendFileSync(fd, text);
      rest.chars += text.length;
    },
    remove() {
      if (fd !== null) closeSync(fd);
      if (rest.file !== null) rmSync(rest.file, { force: true });
      Object.assign(rest, { file: (fd = null), chars: 0, dropped: 0 });
    },
  };
  return rest;
}
