import type { Kysely } from 'kysely';
import type { Catalogue, ScheduleState, ScheduleSteering } from '../schemas/catalogue.ts';
import type { CoverageAudit } from '../schemas/coverage.ts';
import type { Database } from '../schemas/database.ts';
import type { Episode, StartEpisode } from '../schemas/episode.ts';
import type { SpokenAnswer, SpokenMessage, SpokenPause } from '../schemas/person.ts';
import type { Words } from '../schemas/words.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import type { LinePlace } from '../db/read/places.ts';
import type { ConversationAt, WorkspaceAt } from '../schemas/place.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** How a dependency is: `detail` is a sentence for operators, without addresses or secrets; one that is `spared` may be away. */
export type DependencyState = { state: 'ok' | 'down'; detail?: string; spared?: boolean };

/** A logger that takes an event's name and its facts; pino's is one. */
export type ApiLogger = Record<'info' | 'warn' | 'error', (facts: object, event: string) => void>;

/** Where links of an answer point. Without a UI there is no link to Temporal. */
export type LinkBases = {
  /** The API's own address as clients reach it, without a slash at its end. */
  readonly api_url: string;
  readonly temporal_ui_url: string | undefined;
  readonly temporal_namespace: string;
  /** The address of our project in Langfuse; null where there is none, or while it is not known: then there are no links to it. */
  readonly langfuse_project_url: () => string | null;
};

/** What the API needs; src/runtime supplies it. */
export type ApiDeps = {
  readonly db: Kysely<Database>;
  readonly store: Pick<ObjectStore, 'bucket' | 'put' | 'stat' | 'read' | 'readBytes'>;
  /** Starts the episode's workflow, once however often it is called. May throw: a sweeper starts what was not started. */
  readonly startEpisode: (episode: Episode) => Promise<void>;
  /** Asks the episode's workflow to cancel itself. Throws `unavailable` when Temporal is away. */
  readonly cancelEpisode: (episode: Episode) => Promise<void>;
  /** Starts what deletes an ended episode; asking twice deletes once. Throws `unavailable` when Temporal is away. */
  readonly deleteEpisode: (episode: Episode) => Promise<void>;
  /** What people do in a running episode; what they say stands in the record before. Each throws failed_precondition once it has ended, `unavailable` without Temporal. */
  readonly pauseEpisode: (episode: Episode, said: SpokenPause) => Promise<void>;
  readonly resumeEpisode: (episode: Episode, said: { author: string }) => Promise<void>;
  readonly sendMessage: (episode: Episode, message: SpokenMessage) => Promise<void>;
  /** Throws failed_precondition too where the step waits for no answer. */
  readonly answerStep: (episode: Episode, answer: SpokenAnswer) => Promise<void>;
  /** Takes the episode back to a step that this run recorded. Throws failed_precondition where it cannot go there. */
  readonly rewindEpisode: (
    episode: Episode,
    rewinding: { seq: number; run_id: string; request_id: string },
  ) => Promise<void>;
  /** Starts running recorded simulations again; under one id once. Throws `unavailable` when Temporal is away. */
  readonly startReproduction: (
    workflowId: string,
    requests: { episode_id: string; seq: number; feedback_id: string }[],
  ) => Promise<void>;
  /** What an episode's record says of a place of its line. The first two throw data_loss that names what is missing. */
  readonly reconstruction: {
    readonly workspace: (place: LinePlace) => Promise<WorkspaceAt>;
    readonly conversation: (place: LinePlace) => Promise<ConversationAt>;
    /** Throws failed_precondition that names what the object store no longer has. */
    readonly requireWhole: (place: LinePlace) => Promise<void>;
  };
  /** What episodes can be started with in this deployment. */
  readonly catalogue: () => Catalogue;
  /** The schedules of this deployment, as Temporal has them. Throws `unavailable` when Temporal is away. */
  readonly listSchedules: () => Promise<ScheduleState[]>;
  /** Lets a schedule wait, run again by itself, or run now. Throws not_found, or `unavailable` when Temporal is away. */
  readonly steerSchedule: (id: string, steering: ScheduleSteering) => Promise<ScheduleState>;
  /** The state of recovery, and a restore point now, unless one is being made: that throws `unavailable` when Temporal is away. */
  readonly recovery: {
    readonly status: () => Promise<RecoveryStatus>;
    readonly startRestorePoint: () => Promise<{ workflow_id: string }>;
  };
  /** Audits an episode's coverage now. Throws `unavailable` when Temporal is away. */
  readonly auditCoverage: (audit: CoverageAudit) => Promise<{ workflow_id: string }>;
  /** Replays on a worker, and the build of the workflow code that this process has. */
  readonly replays: {
    readonly build: string;
    /** Starts replaying the episode's runs, unless that is being done. Throws `unavailable` when Temporal is away. */
    readonly start: (episode: Episode) => Promise<void>;
  };
  /** What an episode thinks with whose request names no model. Throws `invalid_argument` that says what to set where there is none. */
  readonly chooseModel: (request: Pick<StartEpisode, 'agent' | 'inputs'>) => string;
  /** Whether it is known what a model costs. */
  readonly isPriced: (model: string) => boolean;
  /**
   * Throws `failed_precondition` for an agent, model or tool to approve that this deployment does not have, `invalid_argument`
   * that names the inputs without which agent or script cannot work, or a bound in dollars that cannot be kept.
   */
  readonly checkRequest: (request: StartEpisode) => void;
  /** What trace ids are derived from, besides the episode's id. */
  readonly namespace: string;
  readonly code_version: string | null;
  /** Langfuse's environment, which scores are given in. */
  readonly environment: string;
  readonly links: LinkBases;
  /** How often one key may ask one process, over some seconds; 0 is as often as it likes. */
  readonly requests_per_s_max: number;
  /**
   * Calls `wake` whenever something may have been committed for the episode, and `hear` with what its thoughts say as they run,
   * until the returned function is called.
   */
  readonly watchEpisode: (episodeId: string, wake: () => void, hear: (words: Words) => void) => () => void;
  /** How long a stream stays open before its client must come back, and so its key is looked at again, in milliseconds. */
  readonly stream_ms_max: number;
  /** How long a stream stays silent before it looks for itself and says that it lives; 15 s when not given. */
  readonly stream_heartbeat_ms?: number;
  /** Aborts when this process is told to stop: what would go on for ever ends then. */
  readonly stopping: AbortSignal;
  /** Asks every dependency how it is, within bounded time; never throws. */
  readonly ready: () => Promise<Record<string, DependencyState>>;
  readonly logger: ApiLogger;
};
