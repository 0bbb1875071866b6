import type { Budgets, EpisodeStatus, Failure, FailureClass, TerminalReason } from './episode.ts';
import type { StepIdentity, StepKind } from './step.ts';

// What crosses between the workflow and its activities, and so Temporal's history: ids and numbers, never contents.

/**
 * The progress of a run of the episode; carried over continue-as-new. Tokens are counts, `started_ms` is Unix time: runs of older
 * code count their wall time from it.
 */
export type EpisodeProgress = {
  seq: number;
  thread_id: string | null;
  checkpoint_id: string | null;
  /** The key of the graph's next task, where the last thought asked for no call. */
  next_key: string | null;
  /** The thought whose calls' results are still to be delivered to the graph. */
  deliver_seq: number | null;
  tokens: number;
  /** As far as it is known: `usd_unknown` where some of it is not. */
  usd: number;
  usd_unknown?: boolean;
  started_ms: number;
  /** The wall time that its steps spent by working and by waiting for their models, in milliseconds. Missing in runs of older code. */
  spent_ms?: number;
  /** The queue of the worker that holds the workspace. */
  workspace_queue: string | null;
  /** Who asked for a pause, and why; null while the episode runs. */
  paused: Pause | null;
  /** Messages of people that no thought was given yet. */
  messages: PersonMessage[];
  /** The record's epoch in which the run began: a record that was restored since refuses it. */
  restore_epoch?: number;
  /** Steps of the line that are another episode's, and so count in no budget of this one; 0 where not given. */
  inherited?: number;
  /** For an agent of one's own: how many supersteps of its graph are behind. */
  superstep?: number;
  /** The role whose thought comes next, null where nobody's does; undefined where it is not known. */
  thinks?: string | null;
  /** The last thought's calls that failed, each with its tool and the error's code: the role sees them in its next thought. */
  failed?: FailedCall[];
  /** In a re-run: the person's steps between thoughts that the record still holds, which are said again. Ascending. */
  recorded_words?: RecordedWord[];
};

/** A call that failed, without anybody's words. */
export type FailedCall = { name: string; code: string };

/** A message or pause of the record that a re-run takes its answers from: its place, and which of the two. */
export type RecordedWord = { episode_id: string; seq: number; name: 'message' | 'pause' };

/** The progress of a run that begins at a recorded place, and what it has to do before its next thought. */
export type ResumePoint = {
  progress: Pick<
    EpisodeProgress,
    | 'seq'
    | 'thread_id'
    | 'checkpoint_id'
    | 'next_key'
    | 'deliver_seq'
    | 'tokens'
    | 'usd'
    | 'usd_unknown'
    | 'messages'
    | 'thinks'
  > & { inherited: number; spent_ms: number; recorded_words: RecordedWord[]; superstep?: number };
  /** The thought whose calls are not all done at this place, with those that are left. */
  unfinished: UnfinishedThought | null;
  /** Where the graph has ended by this place. */
  outcome: GraphOutcome | null;
};

/** A thought with calls to run. `decided` is what a person said already of the first of them. */
export type UnfinishedThought = {
  seq: number;
  agent: string;
  key: string;
  checkpoint_id: string;
  calls: CallRef[];
  decided: PersonAnswer | null;
  next?: NextThinkers;
};

/** Who thinks after a thought's calls, by how they end its role's turn: not at all, handing on, or sending back. Null: nobody. */
export type NextThinkers = { stays: string | null; on: string | null; back: string | null };

/** A run that begins after step `seq` of the episode's line. */
export type ResumeRequest = { episode_id: string; run_id: string; seq: number };

/** What starts a run of the episode's workflow. */
export type EpisodeRun = {
  episode_id: string;
  budgets: Budgets;
  /** Continue as new from this many events on; the server's own suggestion counts too. */
  history_events_max: number;
  /**
   * The first run begins after this step of the episode's line, not from nothing: a fork after the last step that is its
   * parent's, an episode whose history is lost after the last that it recorded. Without effect where `progress` is given.
   */
  start_after?: number;
  progress?: EpisodeProgress;
  /** For who looks at the run in Temporal's UI: the task in a line, the address of the episode's page, and the first role. */
  task_line?: string;
  page_url?: string;
  first?: string;
};

/** Where a person's words stand: in the row of the request that brought them, or in the step that recorded them. */
export type WordsRef = { kind: 'message' | 'answer' | 'pause'; key: string } | { step_id: string };

/** Who said something, and where the words are. Those themselves, `text`, are carried by runs that older code began, and where they are ours. */
export type Said = { author: string; words?: WordsRef; text?: string };

/** What a person says to a running episode. `id` makes sending it twice say it once. */
export type PersonMessage = Said & { id: string };

/** A person's answer to the question or approval that step `step` waits for. */
export type PersonAnswer = Said & { id: string; step: number; approve: boolean };

/** That the episode is to pause. `reason` is what older code called the words. */
export type Pause = Said & { reason?: string };

/** A step of a person's: a question or an approval that waits, a message, or a pause. */
export type PersonStep = {
  step: StepIdentity;
  step_key: string;
  name: 'question' | 'approval' | 'message' | 'pause';
  /** The call that asks, or that is to be approved. */
  call: CallRef | null;
  said: Said | null;
};

/** A call that the workflow is to run: what it is, not what it says. */
export type CallRef = {
  id: string;
  name: string;
  kind: Extract<StepKind, 'tool_call' | 'simulation' | 'review' | 'human'>;
  /** Whether a person has to approve the call before it runs. */
  ask: boolean;
  /** Read-only calls run side by side, the others one after another. */
  read_only: boolean;
  /** What Temporal's UI shows: the tool and its subject, without contents. */
  summary: string;
  /** Where a graph of one's own asks for it; left out for a call of the thought that it is run with. */
  place?: CallPlace;
};

/** Where a graph of one's own asks for a call: the step's key, the step that holds what is asked, its hash, and what a person decided already. */
export type CallPlace = { key: string; parent_seq: number; asked_sha256: string; decided: PersonAnswer | null };

/** Give the graph the results that it waits for, then run its next thought. */
export type AdvanceRequest = {
  step: StepIdentity;
  thread_id: string | null;
  checkpoint_id: string | null;
  next_key: string | null;
  deliver_seq: number | null;
  superstep?: number;
  /** How much of the episode's wall time is left for the thought, in milliseconds; missing: as much as it likes. */
  left_ms?: number;
};

/** What the graph did: the thought it had, or how it ended (then no step was recorded and its number is free). */
export type Turn = {
  thread_id: string;
  checkpoint_id: string;
  next_key: string | null;
  thought: {
    agent: string;
    key: string;
    calls: CallRef[];
    tokens: number;
    usd: number | null;
    spent_ms?: number;
    next?: NextThinkers;
  } | null;
  outcome: GraphOutcome | null;
  /** For an agent of one's own: the supersteps that are behind, and the calls that the next one waits for. */
  own?: { superstep: number; agent: string; calls: CallRef[] };
};

/** How the agents' work ended by their own decision. */
export type GraphOutcome = Extract<
  TerminalReason,
  | 'COMPLETED'
  | 'APPROVED'
  | 'REJECTED_BY_REVIEW'
  | 'HANDOFF_INVARIANT_VIOLATION'
  | 'MODEL_OUTPUT_CUT'
  | 'MODEL_OUTPUT_FILTERED'
  | 'MODEL_REFUSED'
  | 'MODEL_OUTPUT_EMPTY'
  | 'MODEL_OUTPUT_MALFORMED'
>;

/** Run one call of a thought; its arguments are in the thought's row. */
export type CallRequest = {
  step: StepIdentity & { parent_seq: number };
  call: CallRef;
  parent_key: string;
  checkpoint_id: string;
  /** Who declined the call, and what they said; null where nobody did. */
  declined: Said | null;
};

/**
 * What the workflow needs of a call that ended: where the workspace lies now, the wall time that it spent (in milliseconds), how
 * it ended the turn, with which code it failed.
 */
export type CallReport = {
  workspace_queue: string | null;
  spent_ms?: number;
  ended?: Exclude<keyof NextThinkers, 'stays'>;
  failed?: string;
};

/** A step that no attempt ended: its activity never began, or gave up for good. */
export type SettleRequest = {
  step: StepIdentity;
  step_key: string;
  kind: StepKind;
  name: string;
  status: 'error' | 'cancelled';
  error: Failure;
};

/** How an episode ended. */
export type EpisodeOutcome = {
  status: Extract<EpisodeStatus, 'completed' | 'failed' | 'cancelled' | 'stopped'>;
  terminal_reason: TerminalReason;
  failure_class: FailureClass | null;
  failure: Failure | null;
};
