import { z } from '@hono/zod-openapi';
import { Alert } from '../schemas/alert.ts';
import { Artifact, ArtifactLink } from '../schemas/artifact.ts';
import { ComparedPair, ComparedStep, Comparison } from '../schemas/comparison.ts';
import { CoverageReport, EpisodeCoverage, NewAudit } from '../schemas/coverage.ts';
import { Catalogue, CatalogueTool, ScheduleState } from '../schemas/catalogue.ts';
import { Approvals, AskedBudgets, Episode, StartEpisode } from '../schemas/episode.ts';
import { EventRecord } from '../schemas/events/record.ts';
import { EventType } from '../schemas/events/registry.ts';
import { Feedback, NewFeedback } from '../schemas/feedback.ts';
import {
  ConversationAt,
  ForkEpisode,
  ReproduceEpisode,
  Reproduction,
  RerunEpisode,
  RewindEpisode,
  WorkspaceAt,
} from '../schemas/place.ts';
import { Lineage, LineageNode, LineageStep } from '../schemas/lineage.ts';
import { LogLine } from '../schemas/log.ts';
import { NewAnswer, NewMessage, PauseEpisode } from '../schemas/person.ts';
import { Json, JsonObject } from '../schemas/primitives.ts';
import { MemberError, Problem } from '../schemas/problem.ts';
import { ReplayVerdict, WorkflowHistory } from '../schemas/replay.ts';
import { Outline } from '../schemas/outline.ts';
import { SearchHit, Statistics } from '../schemas/search.ts';
import { Step, StepAttempt, Waiting } from '../schemas/step.ts';

/** As `boundedText` checks it. */
export const WITHOUT_NUL = '^[^\\u0000]*$';
/** A member that zod leaves out of records; `requireSoundJson` refuses it. */
export const LOST_NAME = { const: '__proto__' };

// What the API answers: the record's own shapes and the links between them, each a named component of the document.

/**
 * The schema under a name in the OpenAPI document; `published` says what the generator cannot read off it. Through the
 * prototype, because a schema that was made before @hono/zod-openapi was loaded lacks the method.
 */
function component<T extends z.ZodType>(name: string, schema: T, published: Record<string, unknown> = {}): T {
  return (z.ZodType.prototype as z.ZodType).openapi.call(schema, name, published) as T;
}

/** For what the generator gets wrong: it adds null to a union that has it, and leaves out what keys must be. */
const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
// The document's `openJson` says what these two are: the generator cannot read off recursion.
const AnyJson = component('Json', Json, { anyOf: [{ type: 'null' }, reference('JsonObject')] });
const AnyJsonObject = component('JsonObject', JsonObject);
const ToolApprovals = component('Approvals', Approvals, {
  propertyNames: { type: 'string', minLength: 1, maxLength: 100, pattern: WITHOUT_NUL, not: LOST_NAME },
});
const seq = z.number().int().min(1);

const MemberErrorResource = component('MemberError', MemberError);

/** A problem document, the answer to everything that failed. */
export const ProblemDocument = component('Problem', Problem);

/** What starts an episode. */
export const NewEpisode = component(
  'NewEpisode',
  StartEpisode.extend({
    /** Left out: the deployment's own default; the scripted one where no endpoint is configured and it plays these inputs. */
    model: StartEpisode.shape.model.unwrap().optional(),
    budgets: AskedBudgets.prefault({}),
    metadata: AnyJsonObject.default({}),
    approvals: ToolApprovals.default({}),
  }),
);

/** What people say to a running episode. */
export const PauseRequest = component('PauseEpisode', PauseEpisode);
export const MessageRequest = component('NewMessage', NewMessage);
export const AnswerRequest = component('NewAnswer', NewAnswer);

/** What goes on from, or runs again, what is on record. */
export const ForkRequest = component('ForkEpisode', ForkEpisode);
export const RerunRequest = component('RerunEpisode', RerunEpisode);
export const RewindRequest = component('RewindEpisode', RewindEpisode);
export const ReproduceRequest = component('ReproduceEpisode', ReproduceEpisode);
export const ReproductionResource = component('Reproduction', Reproduction);

/** An episode's files and its agents' conversation as they were after a step. */
export const WorkspaceResource = component('Workspace', WorkspaceAt);
export const ConversationResource = component(
  'Conversation',
  ConversationAt.extend({ roles: z.array(z.object({ role: z.string(), messages: z.array(AnyJson) })) }),
);

/** Where an episode's parts are: absolute URLs. */
const EpisodeLinks = component(
  'EpisodeLinks',
  z.object({
    self: z.string(),
    steps: z.string(),
    logs: z.string(),
    artifacts: z.string(),
    stream: z.string(),
    events: z.string(),
    temporal: z.string().nullable(),
    /** The episode's trace; null where no Langfuse is configured. */
    langfuse: z.string().nullable(),
  }),
);

/** An episode with its links. */
export const EpisodeResource = component(
  'Episode',
  Episode.extend({
    metadata: AnyJsonObject,
    approvals: ToolApprovals,
    links: EpisodeLinks,
    /** What it waits for between two tries, where it is read alone; left out while it waits for nothing. */
    waiting_for: component('Waiting', Waiting).optional(),
  }),
);
export type EpisodeResource = z.infer<typeof EpisodeResource>;

/** A file that a step read or made: `uri` names the object in S3, `href` serves its bytes. */
export const ArtifactFile = component('ArtifactFile', ArtifactLink.extend({ uri: z.string(), href: z.string() }));
export type ArtifactFile = z.infer<typeof ArtifactFile>;

/** A step with the files that it read and made. */
export const StepResource = component(
  'Step',
  Step.extend({
    input: AnyJson.nullable(),
    output: AnyJson.nullable(),
    artifacts: z.array(ArtifactFile),
    /** The step's observation in Langfuse; null where none is configured. */
    trace_url: z.string().nullable(),
  }),
);
export type StepResource = z.infer<typeof StepResource>;

/** A step with its tries, oldest first. */
export const StepDetailResource = component(
  'StepDetail',
  StepResource.extend({ attempts: z.array(component('StepAttempt', StepAttempt)) }),
);

/** The steps of an episode at a glance. */
export const OutlineResource = component('Outline', Outline);

/** A log line with the number of its step; null for a line of the episode itself. */
export const LogLineResource = component('LogLine', LogLine.extend({ seq: seq.nullable() }));
export type LogLineResource = z.infer<typeof LogLineResource>;

/** An event with the number of its step; `exact_href` serves the bytes as they came, where the record does not hold all. */
export const EventResource = component(
  'Event',
  EventRecord.extend({
    // Not `EventProducer`, which is what producers send: what is recorded is read leniently.
    producer: component('RecordedProducer', EventRecord.shape.producer),
    payload: AnyJsonObject,
    attributes: AnyJsonObject,
    seq: seq.nullable(),
    exact_href: z.string().nullable(),
  }),
);
export type EventResource = z.infer<typeof EventResource>;

/** What became of one event of a batch, in the words of HTTP. */
const EventResult = component(
  'EventResult',
  z.object({
    /** null where the event gave none. */
    event_id: z.string().nullable(),
    /** 201 recorded, 200 recorded before, 404 its step is not there, 409 its id or episode is another's, 422 not valid. */
    status: z.union([z.literal(200), z.literal(201), z.literal(404), z.literal(409), z.literal(422)]),
    replayed: z.boolean(),
    sanitized: z.boolean(),
    stream_seq: z.number().int().min(1).nullable(),
    errors: z.array(MemberErrorResource),
  }),
);
export type EventResult = z.infer<typeof EventResult>;

/** What became of a batch, one entry for each of its events, in their order. */
export const EventBatchAnswer = component('EventBatchAnswer', z.object({ items: z.array(EventResult) }));
export const EventBatchProblem = component('EventBatchProblem', Problem.extend({ items: z.array(EventResult) }));

/** A type of event in one version, and where its JSON Schema is. */
export const EventSchemaResource = component(
  'EventSchema',
  z.object({ type: EventType, v: z.number().int().min(1), id: z.string(), href: z.string() }),
);

/** A file of an episode with the number of its step. */
export const EpisodeArtifactResource = component('EpisodeArtifact', ArtifactFile.extend({ seq }));

/** An immutable object. */
export const ArtifactResource = component(
  'Artifact',
  Artifact.extend({ content_type: z.string(), uri: z.string(), href: z.string() }),
);
export type ArtifactResource = z.infer<typeof ArtifactResource>;

const LineageStepResource = component('LineageStep', LineageStep);

/** Where an artifact came from and what came of it. */
export const LineageResource = component(
  'Lineage',
  Lineage.extend({
    nodes: z.array(
      component(
        'LineageNode',
        LineageNode.extend({ written_by: z.array(LineageStepResource), read_by: z.array(LineageStepResource) }),
      ),
    ),
  }),
);

const ComparedStepResource = component('ComparedStep', ComparedStep);

/** Two episodes held against each other. */
export const ComparisonResource = component(
  'Comparison',
  Comparison.extend({
    facts: z.array(z.object({ member: z.string(), a: AnyJson.nullable(), b: AnyJson.nullable() })),
    steps: z.array(
      component(
        'ComparedPair',
        ComparedPair.extend({ a: ComparedStepResource.nullable(), b: ComparedStepResource.nullable() }),
      ),
    ),
  }),
);

/** An audit of one episode. */
export const CoverageResource = component('Coverage', CoverageReport);

/** An episode's newest audit in a list, and what asks for one. */
export const EpisodeCoverageResource = component('EpisodeCoverage', EpisodeCoverage);
export const AuditRequest = component('NewAudit', NewAudit);
/** The archived history of a run: `href` serves its JSON, as Temporal's own tools write it. */
export const HistoryResource = component('WorkflowHistory', WorkflowHistory.extend({ href: z.string() }));

/** The verdict of replaying a run. */
export const ReplayResource = component('Replay', ReplayVerdict.extend({ sentence: z.string() }));

/** What is said of an episode or step, and as it is kept. */
export const FeedbackRequest = component('NewFeedback', NewFeedback);
export const FeedbackResource = component('Feedback', Feedback);

/** Something that operators must know of. */
export const AlertResource = component('Alert', Alert);

/** Whether this process can serve, and how each dependency is. */
export const Readiness = component(
  'Readiness',
  z.object({
    ready: z.boolean(),
    dependencies: z.record(
      z.string(),
      z.object({
        state: z.enum(['ok', 'down']),
        detail: z.string().optional(),
        /** Whether this process serves without it. */
        spared: z.boolean().optional(),
      }),
    ),
  }),
);

/** What episodes can be started with. */
export const CatalogueResource = component(
  'Catalogue',
  Catalogue.extend({ tools: z.array(component('Tool', CatalogueTool)) }),
);

/** A place where words were found, and what became of a set of episodes. */
export const SearchHitResource = component('SearchHit', SearchHit);
export const StatisticsResource = component('Statistics', Statistics);

/** What runs by itself. */
export const ScheduleResource = component('Schedule', ScheduleState);

/** A page of a list; `next_cursor` is null when nothing can follow. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });
