import type { hc, InferResponseType } from 'hono/client';
import type { AppType } from '../api/app.ts';

// What the API answers, as it arrives: derived from its routes, so that a break of the contract fails the type check.

type V1 = ReturnType<typeof hc<AppType>>['v1'];
type Episode = V1['episodes'][':id'];

/** An episode with its links. */
export type EpisodeResource = InferResponseType<Episode['$get'], 200>;
/** A step with its files, and the same with its tries. */
export type StepResource = InferResponseType<Episode['steps']['$get'], 200>['items'][number];
export type StepDetailResource = InferResponseType<Episode['steps'][':seq']['$get'], 200>;
/** A file of a step. */
export type ArtifactFile = StepResource['artifacts'][number];
/** A line of a log. */
export type LogLineResource = InferResponseType<Episode['logs']['$get'], 200>['items'][number];
/** An audit of an episode. */
export type CoverageResource = InferResponseType<Episode['coverage']['$get'], 200>;
/** What was said of an episode. */
export type FeedbackResource = InferResponseType<Episode['feedback']['$get'], 200>['items'][number];
/** An object. */
export type ArtifactResource = InferResponseType<V1['artifacts'][':sha256']['$get'], 200>;
/** What became of a set of episodes. */
export type StatisticsResource = InferResponseType<V1['statistics']['$get'], 200>;
/** Where an object came from and what came of it. */
export type LineageResource = InferResponseType<V1['artifacts'][':sha256']['lineage']['$get'], 200>;
/** Two episodes held against each other. */
export type ComparisonResource = InferResponseType<V1['comparisons']['$get'], 200>;
/** What each agent had heard and said. */
export type ConversationResource = InferResponseType<Episode['conversation']['$get'], 200>;
