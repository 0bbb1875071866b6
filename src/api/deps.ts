import type { Kysely } from 'kysely';
import type { Catalogue, ScheduleState } from '../schemas/catalogue.ts';
import type { CoverageAudit } from '../schemas/coverage.ts';
import type { Database } from '../schemas/database.ts';
import type { Episode, StartEpisode } from '../schemas/episode.ts';
import type { PersonAnswer, PersonMessage } from '../schemas/turn.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** How a dependency is: `detail` is a sentence for operators, without addresses or secrets. */
export type DependencyState = { state: 'ok' | 'down'; detail?: string };

/** A logger that takes an event's name and its facts; pino's is one. */
export type ApiLogger = Record<'info' | 'warn' | 'error', (facts: object, event: string) => void>;

/** Where links of an answer point. Without a UI there is no link to Temporal. */
export type LinkBases = {
  /** The API's own address as clients reach it, without a slash at its end. */
  readonly api_url: string;
  readonly temporal_ui_url: string | undefined;
  readonly temporal_namespace: string;
  /** Langfuse's own address; without one there are no links to it. */
  readonly langfuse_url?: string | undefined;
};

/** What the API needs; src/runtime supplies it. */
export type ApiDeps = {
  readonly db: Kysely<Database>;
  readonly store: Pick<ObjectStore, 'bucket' | 'put' | 'stat' | 'read'>;
  /** Starts the episode's workflow, once however often it is called. May throw: a sweeper starts what was not started. */
  readonly startEpisode: (episode: Episode) => Promise<void>;
  /** Asks the episode's workflow to cancel itself. Throws `unavailable` when Temporal is away. */
  readonly cancelEpisode: (episode: Episode) => Promise<void>;
  /** What people do in a running episode. Each throws failed_precondition once it has ended, `unavailable` without Temporal. */
  readonly pauseEpisode: (episode: Episode, said: { author: string; reason: string }) => Promise<void>;
  readonly resumeEpisode: (episode: Episode, said: { author: string }) => Promise<void>;
  readonly sendMessage: (episode: Episode, message: PersonMessage) => Promise<void>;
  /** Throws failed_precondition too where the step waits for no answer. */
  readonly answerStep: (episode: Episode, answer: PersonAnswer) => Promise<void>;
  /** What episodes can be started with in this deployment. */
  readonly catalogue: () => Catalogue;
  /** The schedules of this deployment, as Temporal has them. Throws `unavailable` when Temporal is away. */
  readonly listSchedules: () => Promise<ScheduleState[]>;
  /** How recovery stands, and a restore point now, unless one is being made: that throws `unavailable` when Temporal is away. */
  readonly recovery: {
    readonly status: () => Promise<RecoveryStatus>;
    readonly startRestorePoint: () => Promise<{ workflow_id: string }>;
  };
  /** Audits an episode's coverage now. Throws `unavailable` when Temporal is away. */
  readonly auditCoverage: (audit: CoverageAudit) => Promise<{ workflow_id: string }>;
  /** Throws `invalid_argument` for an agent, model or tool to approve that this deployment does not have. */
  readonly checkRequest: (request: StartEpisode) => void;
  /** What trace ids are derived from, besides the episode's id. */
  readonly namespace: string;
  readonly code_version: string | null;
  /** Langfuse's environment, which scores are given in. */
  readonly environment: string;
  readonly links: LinkBases;
  /** Asks every dependency how it is, within bounded time; never throws. */
  readonly ready: () => Promise<Record<string, DependencyState>>;
  readonly logger: ApiLogger;
};
