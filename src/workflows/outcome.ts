import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { Budgets, Failure, TerminalReason } from '../schemas/episode.ts';
import type { EpisodeOutcome, EpisodeProgress, EpisodeRun, GraphOutcome } from '../schemas/turn.ts';

/** How the agents' own decision ends the episode. */
export function outcomeOf(reason: GraphOutcome): EpisodeOutcome {
  if (reason === 'APPROVED' || reason === 'COMPLETED')
    return { status: 'completed', terminal_reason: reason, failure_class: null, failure: null };
  if (reason === 'REJECTED_BY_REVIEW')
    return { status: 'completed', terminal_reason: reason, failure_class: 'AGENT_QUALITY', failure: null };
  const ofModel = reason === 'HANDOFF_INVARIANT_VIOLATION' ? undefined : MODEL_FAILURES[reason];
  return {
    status: 'failed',
    terminal_reason: reason,
    failure_class: ofModel === undefined ? 'AGENT_SEMANTIC' : 'MODEL_ENDPOINT',
    failure: {
      code: 'failed_precondition',
      message: ofModel ?? 'an agent ended its turn without handing its work on',
    },
  };
}

/** What a model did time and again, in words. */
const MODEL_FAILURES = {
  MODEL_OUTPUT_CUT: "the model's answers were cut at their length limit, time and again: raise max_output_tokens",
  MODEL_OUTPUT_FILTERED: "the model's answers were filtered by its endpoint, time and again",
  MODEL_REFUSED: 'the model refused, time and again',
  MODEL_OUTPUT_EMPTY: 'the model answered without a word or a call, time and again',
  MODEL_OUTPUT_MALFORMED: 'the model asked for calls that cannot be read, time and again',
} as const;

/** How a budget that is used up stops the episode; undefined while none is. */
export function stoppedBy(progress: EpisodeProgress, { budgets }: EpisodeRun): EpisodeOutcome | undefined {
  const spent_ms = progress.spent_ms ?? Date.now() - progress.started_ms;
  if (progress.seq - (progress.inherited ?? 0) >= budgets.steps)
    return over('OUT_OF_TURN_BUDGET', `used all of its ${budgets.steps} steps`);
  if (progress.tokens >= budgets.tokens) return over('OUT_OF_TOKEN_BUDGET', `used all of its ${budgets.tokens} tokens`);
  if (budgets.usd !== null && progress.usd >= budgets.usd)
    return over('OUT_OF_COST_BUDGET', `used all of its ${budgets.usd} US dollars`);
  if (spent_ms >= budgets.wall_s * 1000) return outOfTime(budgets);
  return undefined;
}

const over = (terminal_reason: TerminalReason, message: string): EpisodeOutcome => ({
  status: 'stopped',
  terminal_reason,
  failure_class: 'AGENT_QUALITY',
  failure: { code: 'resource_exhausted', message },
});

const outOfTime = ({ wall_s }: Budgets) => over('TIMEOUT', `used all of its ${wall_s} seconds`);

/** Errors that operators mend: something is away, or refuses our credentials or quota. */
const INFRASTRUCTURE: ReadonlySet<string> = new Set([
  'unavailable',
  'deadline_exceeded',
  'model_failed',
  'unauthenticated',
  'permission_denied',
  'resource_exhausted',
]);

/** How an error ends the episode. */
export function endingOf(error: unknown, { budgets }: EpisodeRun): EpisodeOutcome {
  if (isCancellation(error))
    return { status: 'cancelled', terminal_reason: 'USER_CANCELLED', failure_class: null, failure: null };
  const failure = failureOf(error);
  const { origin, budget } = factsOf(error);
  if (budget === 'wall_s') return outOfTime(budgets);
  if (origin === 'model_endpoint')
    return {
      status: 'failed',
      terminal_reason: ENDPOINT_REASONS[failure.code] ?? 'MODEL_ENDPOINT_REFUSED',
      failure_class: 'MODEL_ENDPOINT',
      failure,
    };
  if (origin === 'unrecorded_call')
    return { status: 'failed', terminal_reason: 'UNRECORDED_CALL', failure_class: 'APPLICATION_LOGIC', failure };
  const infra = INFRASTRUCTURE.has(failure.code);
  const ofTool = error instanceof ActivityFailure && ['callTool', 'simulate'].includes(error.activityType);
  return {
    status: 'failed',
    terminal_reason: ofTool ? 'SYSTEM_TOOL_RETRY_EXHAUSTED' : infra ? 'INFRA_ERROR' : 'INTERNAL_ERROR',
    failure_class: infra ? 'INFRA_DEVOPS' : 'APPLICATION_LOGIC',
    failure,
  };
}

/** How a model's endpoint fails, by the code of its error; any other is its refusal of what it was asked. */
const ENDPOINT_REASONS: Partial<Record<string, TerminalReason>> = {
  unavailable: 'MODEL_ENDPOINT_UNAVAILABLE',
  deadline_exceeded: 'MODEL_ENDPOINT_UNAVAILABLE',
  model_failed: 'MODEL_ENDPOINT_FAILED',
};

/** What an activity says in its error's details: whether it is the model endpoint's, and which budget is used up by it. */
function factsOf(error: unknown): { origin?: unknown; budget?: unknown } {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) return {};
  const [details] = (cause.details ?? []) as ReturnType<typeof factsOf>[];
  return details ?? {};
}

/** What an error is called on the record. */
export function failureOf(error: unknown): Failure {
  if (isCancellation(error)) return { code: 'cancelled', message: 'the episode was cancelled' };
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'internal', message: cause.message };
  if (cause instanceof TimeoutFailure)
    return { code: 'deadline_exceeded', message: `timed out (${cause.timeoutType})` };
  return { code: 'internal', message: cause instanceof Error ? cause.message : String(cause) };
}
