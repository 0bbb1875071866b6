import { CancelledFailure, Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import { beginStep, endStep, failAttempt } from '../db/write/steps.ts';
import type { FreezeSpan } from '../db/write/spans.ts';
import type { StepDescription } from '../db/write/steps.ts';
import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import type { Database } from '../schemas/database.ts';
import type { Failure } from '../schemas/episode.ts';
import { spanIdOf, traceIdOf } from '../schemas/identity.ts';
import { storableText } from '../schemas/primitives.ts';
import type { JsonInput } from '../schemas/primitives.ts';
import type { Step, StepIdentity, Usage } from '../schemas/step.ts';
import { toActivityFailure } from './failure.ts';
import type { JsonStore } from './json-store.ts';
import { openLog } from './logs.ts';
import type { LogWriter } from './logs.ts';

/** Postgres holds at most this much of a step for the search. */
const SEARCH_TEXT_BYTES_MAX = 4_096;
const NO_USAGE: Usage = { input_tokens: 0, output_tokens: 0, usd: 0 };

/** What work gets to know: its step, which try this is, when to stop, and where to log. */
export type AttemptContext = { step: Step; attempt: number; signal: AbortSignal; log: LogWriter };

/** What work comes to. Files are in S3 already; `error` is told to the agent, with status `error`. */
export type StepResult = {
  output: JsonInput;
  error?: Failure;
  usage?: Usage;
  artifacts?: ArtifactLink[];
  workspace?: { sha256: string; size_bytes: number };
  search_text?: string;
};

/** What a step is, before it begins; ids that follow from others are filled in. */
export type StepSubject = Omit<StepDescription, 'span_id' | 'activity_id' | 'input'> & { input: JsonInput };

/** The one wrapper of every model call and every tool call: its row is the memo of the work. */
export type RecordStep = (
  identity: StepIdentity,
  subject: StepSubject,
  work: (context: AttemptContext) => Promise<StepResult>,
) => Promise<Step>;

export type RecorderDeps = {
  db: Kysely<Database>;
  json: JsonStore;
  freezeSpan: FreezeSpan;
  /** The namespace that trace ids derive from. */
  namespace: string;
  worker: { id: string; build: string };
};

/**
 * Makes `recordStep`. It begins the step (or finds what an earlier attempt ended it with, and returns that), does the
 * work, and ends step and attempt together with all that belongs to them; of two attempts the first to end wins. When
 * the work throws, the attempt is closed and the error leaves as Temporal's; only a person's cancel ends the step.
 */
export function createRecorder({ db, json, freezeSpan, namespace, worker }: RecorderDeps): RecordStep {
  return async (identity, subject, work) => {
    const { info, cancellationSignal } = Context.current();
    const input = await json.pack(subject.input, `.observatory/steps/${identity.seq}/input.json`);
    const traceId = traceIdOf(namespace, identity.episode_id);
    const begun = await beginStep(db, {
      identity,
      description: {
        ...subject,
        input: input.value,
        activity_id: info.activityId,
        span_id: spanIdOf(traceId, identity.run_id, subject.step_key),
      },
      tryer: { worker: worker.id, build: worker.build, activity_attempt: info.attempt },
      freezeSpan,
    });
    if (begun.state === 'ended') return begun.step;
    const { step, attempt } = begun;
    const log = openLog(db, { episode_id: step.episode_id, step_id: step.id, attempt });
    const end = async (status: 'ok' | 'error' | 'cancelled', result: StepResult) => {
      const output = await json.pack(result.output, `.observatory/steps/${step.seq}/output.json`);
      await log.close();
      const artifacts = [
        ...(result.artifacts ?? []),
        output.artifact,
        input.artifact && { ...input.artifact, role: 'input' as const },
      ];
      return endStep(db, {
        step,
        attempt,
        end: {
          status,
          output: output.value,
          error: result.error ?? null,
          usage: result.usage ?? NO_USAGE,
          artifacts: artifacts.filter((link) => link !== null),
          workspace: result.workspace ?? null,
          search_text: result.search_text ? bounded(result.search_text) : null,
        },
        freezeSpan,
      });
    };
    try {
      const result = await work({ step, attempt, signal: cancellationSignal, log });
      return await end(result.error ? 'error' : 'ok', result);
    } catch (thrown) {
      if (Context.current().cancellationDetails?.cancelRequested) {
        await end('cancelled', { output: null, error: { code: 'cancelled', message: 'the episode was cancelled' } });
        throw new CancelledFailure('the episode was cancelled');
      }
      throw await closeFailedAttempt(AppError.from(thrown), { step, attempt, log });
    }
  };

  async function closeFailedAttempt(error: AppError, { step, attempt, log }: Omit<AttemptContext, 'signal'>) {
    // Heartbeat timeouts, resets and shutdowns abort the work too: none of them is the step's end.
    const cause = error.code === 'cancelled' ? new AppError('unavailable', 'the worker stopped this attempt') : error;
    log.write('system', `attempt ${attempt} failed: ${cause.code}: ${cause.message}`, 'error');
    const failure = { code: cause.code, message: cause.message };
    try {
      await log.close();
      await failAttempt(db, { step, attempt, error: failure, usage: NO_USAGE });
    } catch {
      // The database is away: the next attempt closes this one as lost. The first error is the one to tell.
    }
    return toActivityFailure(cause, attempt);
  }
}

/** Cut at a character, and marked, so that the column's limit holds: the whole text is in the output. */
function bounded(text: string): string {
  const bytes = Buffer.from(storableText(text));
  if (bytes.length <= SEARCH_TEXT_BYTES_MAX) return bytes.toString();
  return (
    bytes
      .subarray(0, SEARCH_TEXT_BYTES_MAX - 4)
      .toString()
      .replace(/\uFFFD$/, '') + '…'
  );
}
