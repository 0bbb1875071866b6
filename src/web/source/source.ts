import type { StreamFrame } from '../../api/routes/stream.ts';
import type {
  ArtifactResource,
  ComparisonResource,
  ConversationResource,
  CoverageResource,
  EpisodeResource,
  FeedbackResource,
  LineageResource,
  LogLineResource,
  StatisticsResource,
  StepDetailResource,
  StepResource,
} from '../resources.ts';
import type { WorkspaceAt } from '../../schemas/place.ts';
import type { Outline } from '../../schemas/outline.ts';
import type { SearchHit } from '../../schemas/search.ts';
import type { Catalogue } from '../../schemas/catalogue.ts';
import type { Actions } from './actions.ts';

/** A part of a list; `next_cursor` asks for the next. */
export type Page<T> = { items: T[]; next_cursor: string | null };

/** A file whose bytes are asked for: as a step knows it, or by its hash alone. */
export type ContentOf = { sha256: string; href?: string };

/** Which episodes: the query of the page's address, word for word that of the API. */
export type EpisodeFilter = Partial<
  Record<'status' | 'outcome' | 'agent' | 'model' | 'tag' | 'q' | 'created_from' | 'created_to', string>
>;

/** Who looks, and what they may do. */
export type Caller = { name: string; role: 'reader' | 'operator' };

/** Which lines of a log. */
export type LogFilter = { seq?: number; q?: string; cursor?: string };

/**
 * Where the page has everything from: a deployment's API, or the bundle of one episode. What cannot be done with a bundle is
 * `null` here, and the page leaves it out.
 */
export type Source = {
  readonly kind: 'api' | 'bundle';
  /** Where the episode is that a bundle holds; null where there are many. */
  readonly only: string | null;
  /** What people may do; null where nothing can be done. */
  readonly actions: Actions | null;
  caller(): Promise<Caller>;
  episodes(filter: EpisodeFilter, cursor: string | undefined): Promise<Page<EpisodeResource>>;
  statistics(filter: EpisodeFilter): Promise<StatisticsResource>;
  search(q: string): Promise<Page<SearchHit>>;
  catalogue(): Promise<Catalogue>;
  episode(id: string): Promise<EpisodeResource>;
  compare(a: string, b: string): Promise<ComparisonResource>;
  episodeOfTrace(traceId: string): Promise<string | null>;
  outline(id: string, after: number, limit: number): Promise<Outline>;
  steps(id: string, after: number, limit: number): Promise<StepResource[]>;
  step(id: string, seq: number): Promise<StepDetailResource>;
  logs(id: string, filter: LogFilter): Promise<Page<LogLineResource>>;
  workspace(id: string, step: number): Promise<WorkspaceAt>;
  /** What each agent had heard and said, which is rebuilt from the steps; null where nothing rebuilds it. */
  readonly conversation: ((id: string, step: number) => Promise<ConversationResource>) | null;
  /** The newest audit; null until there is one. */
  coverage(id: string): Promise<CoverageResource | null>;
  /** The newest audits of these episodes, by their ids. */
  verdicts(ids: string[]): Promise<Record<string, CoverageResource['verdict']>>;
  feedback(id: string): Promise<FeedbackResource[]>;
  artifact(sha256: string): Promise<ArtifactResource>;
  /** Where an artifact came from and what came of it; null where nobody knows of other episodes. */
  readonly lineage: ((sha256: string, depth: number) => Promise<LineageResource>) | null;
  /** An address of an artifact's bytes that a video, a picture or `fetch` takes. */
  contentUrl(file: ContentOf): Promise<string>;
  /** What happens after a place in the stream, each frame once; ends with the episode. */
  follow(id: string, after: string, signal: AbortSignal): AsyncIterable<StreamFrame>;
};
