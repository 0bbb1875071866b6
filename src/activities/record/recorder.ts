import { CancelledFailure, Context } from '@temporalio/activity';
import type { Kysely } from 'kysely';
import { beginStep, endStep, failAttempt } from '../../db/write/steps.ts';
import type { FreezeSpan } from '../../db/write/spans.ts';
import type { StepDescription, StepEnd } from '../../db/write/steps.ts';
import { AppError } from '../../errors.ts';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Failure } from '../../schemas/episode.ts';
import { spanIdOf, traceIdOf } from '../../identity.ts';
import { storableText } from '../../schemas/primitives.ts';
import type { JsonInput, JsonObject } from '../../schemas/primitives.ts';
import { NO_USAGE, Usage } from '../../schemas/step.ts';
import type { Step, StepIdentity } from '../../schemas/step.ts';
import type { ModelInput } from '../../schemas/trace.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { Redactor } from '../../tracing/redaction.ts';
import type { Tool } from '../../agents/tools/tool.ts';
import { cutText, toActivityFailure } from '../failure.ts';
import { withWaiting } from './waiting.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import { keepTrying } from './keep-trying.ts';
import { openAttemptLog } from './logs.ts';
import type { AttemptLog } from './logs.ts';
import { eventsOfStep } from './events.ts';

/** Postgres holds at most this much of a step for the search. */
const SEARCH_TEXT_BYTES_MAX = 4_096;

/** What work gets to know: its step, which try this is, when to stop, and where to log. */
export type AttemptContext = { step: Step; attempt: number; signal: AbortSignal; log: AttemptLog };

/** The result of work. Files are in S3 already; `error` is shown to the agent, with status `error`. */
export type StepResult = {
  output: JsonInput;
  error?: Failure;
  /** null where something was used and nobody said how much. */
  usage?: Usage | null;
  artifacts?: ArtifactLink[];
  workspace?: { sha256: string; size_bytes: number };
  search_text?: string;
  /** The arguments as a tool took them, defaults filled in; left out where none ran to its end. */
  took?: JsonObject;
  /** What a model was asked with. */
  model_input?: ModelInput;
  /** The hash of what the model or tool was asked. */
  asked_sha256?: string;
  /** The step whose recorded answer this is. */
  served_from?: string;
  /** How it ended, where the status does not say it. */
  status_detail?: string;
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
  /** Every tool: it says which events its calls are. */
  registry: ReadonlyMap<string, Tool>;
  db: Kysely<Database>;
  json: JsonStore;
  store: Pick<ObjectStore, 'put'>;
  freezeSpan: FreezeSpan;
  /** The namespace that trace ids derive from. */
  namespace: string;
  worker: { id: string; build: string };
  /** Takes secrets out of everything that is stored. */
  redactor: Redactor;
};

/**
 * Makes `recordStep`. It begins the step (or finds what an earlier attempt ended it with, and returns that), does the
 * work, and ends step and attempt together with all that belongs to them; of two attempts the first to end wins. When
 * the work throws, the attempt is closed and the error leaves as Temporal's; only a person's cancel ends the step.
 */
export function createRecorder(deps: RecorderDeps): RecordStep {
  const { db, json, store, freezeSpan, namespace, worker, redactor } = deps;
  return async (identity, subject, work) => {
    const { info, cancellationSignal } = Context.current();
    const input = await json.pack(redactor.json(subject.input), `.observatory/steps/${identity.seq}/input.json`);
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
    const log = openAttemptLog(db, {
      episode_id: step.episode_id,
      step_id: step.id,
      attempt,
      redact: redactor.text,
      storeRest: (file) => storeLogRest(store, file, step.seq),
    });
    const context: AttemptContext = { step, attempt, signal: cancellationSignal, log };
    const timer = startTimer();
    const end = async (status: StepEnd['status'], result: StepResult) => {
      const ended = { ...(await toStepEnd(deps, context, { status, result, input })), worked_ms: timer.stop() };
      return keepTrying(() => endStep(db, { step, attempt, end: ended, freezeSpan }), cancellationSignal);
    };
    let result: StepResult | undefined;
    try {
      result = await work(context);
      timer.stop();
      return await end(result.error ? 'error' : 'ok', result);
    } catch (thrown) {
      const worked_ms = timer.stop();
      // What the work used is used, also where its end could not be stored.
      const usage = result?.usage === undefined ? usageIn(AppError.from(thrown)) : result.usage;
      if (Context.current().cancellationDetails?.cancelRequested) {
        const error = { code: 'cancelled', message: 'the episode was cancelled' };
        await end('cancelled', { output: null, error, usage });
        throw new CancelledFailure('the episode was cancelled');
      }
      throw await closeFailedAttempt({ db, redactor }, AppError.from(thrown), { step, attempt, log, usage, worked_ms });
    }
  };
}

/** Measures the time of an attempt's work until it is first stopped, in whole milliseconds. */
function startTimer(): { stop: () => number } {
  const began = performance.now();
  let worked_ms: number | undefined;
  return {
    stop() {
      worked_ms ??= Math.round(performance.now() - began);
      return worked_ms;
    },
  };
}

/** What a step ends with: all that is large, and every line of its log, is stored when this is returned. */
async function toStepEnd(
  { db, json, store, registry, namespace, worker, redactor }: RecorderDeps,
  { step, attempt, signal, log }: AttemptContext,
  {
    status,
    result,
    input,
  }: { status: StepEnd['status']; result: StepResult; input: Awaited<ReturnType<JsonStore['pack']>> },
): Promise<StepEnd> {
  const shown = redactor.json(result.output);
  const output = await json.pack(shown, `.observatory/steps/${step.seq}/output.json`);
  const took = result.took === undefined ? null : redactor.json(result.took);
  const source = {
    db,
    registry,
    store,
    trace_id: traceIdOf(namespace, step.episode_id),
    build: worker.build,
    attempt,
    signal,
  };
  const usage = result.usage === undefined ? NO_USAGE : result.usage;
  const ending = { step, status, input: input.value, took, output: shown, usage };
  const events = await eventsOfStep(ending, source, log);
  const logRest = await log.close();
  const artifacts = [
    ...(result.artifacts ?? []),
    logRest,
    output.artifact,
    input.artifact && { ...input.artifact, role: 'input' as const },
  ];
  return {
    status,
    output: output.value,
    error: result.error ? redacted(redactor, result.error) : null,
    usage,
    artifacts: artifacts.filter((link) => link !== null),
    workspace: result.workspace ?? null,
    model_input: result.model_input ?? null,
    events,
    asked_sha256: result.asked_sha256 ?? null,
    served_from: result.served_from ?? null,
    status_detail: result.status_detail ?? null,
    search_text: result.search_text ? bounded(redactor.text(result.search_text)) : null,
  };
}

/** Closes an attempt whose work threw, and returns the error as Temporal's. */
async function closeFailedAttempt(
  { db, redactor }: Pick<RecorderDeps, 'db' | 'redactor'>,
  error: AppError,
  { step, attempt, log, usage, worked_ms }: Omit<AttemptContext, 'signal'> & { usage: Usage | null; worked_ms: number },
) {
  // Heartbeat timeouts, resets and shutdowns abort the work too: none of them is the step's end.
  const { code, details } = error;
  const cause =
    code === 'cancelled' ? new AppError('unavailable', 'the worker stopped this attempt', { details }) : error;
  log.write('system', `attempt ${attempt} failed: ${cause.code}: ${cause.message}`, 'error');
  let failure = cause;
  try {
    await log.close({ drop_rest: true });
    failure = await withWaiting(db, step, cause);
    const { retry_after_s } = failure.details;
    const retry_ms =
      typeof retry_after_s === 'number' && failure.details['final'] !== true ? retry_after_s * 1000 : null;
    await failAttempt(db, { step, attempt, error: redacted(redactor, failure), usage, worked_ms, retry_ms });
  } catch {
    // The database is away: the next attempt closes this one as lost. The first error is the one that is kept.
  }
  return toActivityFailure(failure, attempt);
}

/** Of an error so much is kept in its row. */
const ERROR_CHARS_MAX = 20_000;

const redacted = (redactor: Redactor, { code, message }: Failure): Failure => ({
  code,
  message: cutText(redactor.text(message), ERROR_CHARS_MAX),
});

async function storeLogRest(store: RecorderDeps['store'], file: string, seq: number): Promise<ArtifactLink> {
  const content_type = 'text/plain; charset=utf-8';
  const stored = await store.put({ file }, { contentType: content_type });
  const path = `.observatory/steps/${seq}/log-rest.txt`;
  return { role: 'output', path, ...stored, content_type, kind: 'LOG', clock: null };
}

/** What the failed work says that it used; null when it used something and cannot say how much. */
function usageIn({ details }: AppError): Usage | null {
  const used = Usage.safeParse(details);
  if (used.success) return used.data;
  return details['usage_unknown'] === true ? null : NO_USAGE;
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
