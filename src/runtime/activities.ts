import { createAgents } from '../agents/agents.ts';
import { createAdvanceActivity } from '../activities/episode/advance.ts';
import type { Alerts, Announce } from '../alerts/alerts.ts';
import { createAmendActivities } from '../activities/amend.ts';
import { createAskedChannel } from '../alerts/asked.ts';
import { createAftercareActivities } from '../activities/traces/aftercare.ts';
import { createModels } from '../agents/models/models.ts';
import { createCallToolActivities } from '../activities/episode/call-tool.ts';
import { createCoverageActivities } from '../activities/traces/coverage.ts';
import { createEpisodeRecordActivities } from '../activities/episode/episode.ts';
import { createEpisodeRetentionActivities } from '../activities/retention.ts';
import { createJsonStore } from '../storage/json-store.ts';
import { createPeopleActivities } from '../activities/episode/people.ts';
import { createReadWords } from '../activities/episode/words.ts';
import { createRecorder } from '../activities/record/recorder.ts';
import { createResumeActivity } from '../activities/episode/resume.ts';
import { createReproduceActivity } from '../activities/reproduce.ts';
import { createRecordedAnswers } from '../activities/episode/recorded-answers.ts';
import { createSweepActivities } from '../activities/sweep.ts';
import { createTraceRepairActivities } from '../activities/traces/repair.ts';
import { createReplayActivities } from '../activities/replay.ts';
import { createTraceDeliveryActivities } from '../activities/traces/delivery.ts';
import { createRegistry, describeTool } from '../agents/tools/registry.ts';
import type { Json } from '../schemas/primitives.ts';
import type { Sandbox } from '../agents/tools/sandbox.ts';
import type { Workspaces } from '../storage/workspaces.ts';
import { listOpenSubjects } from '../db/read/alerts.ts';
import { Checkpointer } from '../db/checkpointer.ts';
import type { DatabaseClient } from '../db/client.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { DELIVERY_TIMINGS } from '../tracing/delivery-state.ts';
import type { LangfuseClient } from '../tracing/langfuse-client.ts';
import type { ReadObject } from '../tracing/media.ts';
import type { SpanFreezerOptions } from '../tracing/otlp-span.ts';
import { createBegunFreezer, createRootFreezer } from '../tracing/root-spans.ts';
import { createSpanFreezer } from '../tracing/spans.ts';
import { createReplayer } from './replay/episode-replays.ts';
import type { ReplayStream } from './replay/replay-stream.ts';
import { lookAtWorkflow } from './watch/stuck.ts';
import { createHistoryReader } from './temporal/history.ts';
import type { Config } from '../config/config.ts';
import type { EpisodeWorkflows } from './temporal/client.ts';

/** What the activities of one worker are made of. */
export type ActivityParts = Pick<DatabaseClient, 'db' | 'pool'> & {
  store: ObjectStore;
  workspaces: Workspaces;
  workflows: Pick<EpisodeWorkflows, 'startEpisode' | 'forgetRuns' | 'client'>;
  sandbox: Sandbox;
  models: Config['models'];
  agents: Config['agents'];
  namespace: string;
  /** After how many days logs and videos go, and whole episodes. */
  retention: Config['retention'];
  worker: { id: string; build: string };
  /** Holds the workflow code against histories. */
  replays: ReplayStream;
  queues: { workspace: string };
  tracing: {
    langfuse: LangfuseClient | null;
    alerts: Alerts;
    announce: Announce;
    /** What spans say alike, and what they may not say. */
    freezing: Required<Pick<SpanFreezerOptions, 'redactor' | 'environment' | 'artifactUrl' | 'pageUrl'>>;
    /** Fires when the worker is told to stop. */
    stopping: AbortSignal;
  };
};

/** Every activity, wired, by the queue that serves it: an episode's, those that run calls, the sweeps', and those of traces. */
export function createActivities(parts: ActivityParts) {
  const { db, pool, store, workspaces, workflows, sandbox, namespace, worker, replays, queues, tracing } = parts;
  const json = createJsonStore(store);
  const { langfuse, alerts, announce, stopping } = tracing;
  const { redactor, environment } = tracing.freezing;
  const registry = createRegistry();
  const agents = createAgents(parts.agents);
  const describe = (name: string) => ((tool) => tool && (describeTool(tool) as Json))(registry.get(name));
  const freezing = { ...tracing.freezing, namespace, release: worker.build, describeTool: describe };
  const freezeSpan = createSpanFreezer(freezing);
  const asked = createAskedChannel(alerts, (name, beginning) => listOpenSubjects(db, name, beginning));
  const recordStep = createRecorder({ db, json, store, registry, freezeSpan, namespace, worker, redactor });
  const said = { recordedAnswers: createRecordedAnswers({ db, json }), readWords: createReadWords({ db, json }) };
  const checkpointer = new Checkpointer(pool);
  const models = createModels(json, parts.models);
  const recording = { db, json, store, ...said, recordStep, agents, registry };
  const workspace_queue = queues.workspace;
  const calls = {
    ...createReproduceActivity({ db, store, environment }),
    ...createCallToolActivities({ ...recording, workspaces, sandbox, workspace_queue }),
  };
  const episode = {
    ...createEpisodeRecordActivities({ db, freezeSpan, freezeBegun: createBegunFreezer(freezing), asked, namespace }),
    ...createPeopleActivities({ db, json, freezeSpan, ...said, asked, namespace }),
    ...createAdvanceActivity({ ...recording, models, redactor, pool, checkpointer }),
    ...createResumeActivity({ db, pool, checkpointer, json, agents, registry }),
    ...calls,
  };
  const sweep = {
    ...createAmendActivities({ db, freezeSpan, alerts, look: (id) => lookAtWorkflow(workflows.client, id) }),
    ...createSweepActivities({ db, startEpisode: (accepted) => workflows.startEpisode(accepted) }),
    ...createEpisodeRetentionActivities({
      db,
      langfuse,
      forgetRuns: (workflowId) => workflows.forgetRuns(workflowId),
      policy: parts.retention,
    }),
  };
  const { awaitRunEnd, listCompletedSteps } = createHistoryReader(workflows.client);
  const now = () => new Date();
  const readObject: ReadObject = (sha256, size_bytes) => store.readBytes(sha256, { maxBytes: size_bytes });
  const freezeRoot = createRootFreezer(freezing);
  const delivering = { db, pool, langfuse, readObject, alerts, now };
  const traces = {
    ...createTraceDeliveryActivities({ ...delivering, timings: DELIVERY_TIMINGS, stopping }),
    ...createAftercareActivities({ db, json, registry, freezeRoot, awaitRunEnd, environment, announce }),
    ...createCoverageActivities({ db, store, langfuse, listCompletedSteps }),
    ...createTraceRepairActivities({ db, json, agents, langfuse, freezeSpan, alerts }),
    ...createReplayActivities({
      db,
      store,
      build: worker.build,
      ...createReplayer({ db, store, client: workflows.client }, replays),
    }),
  };
  return { episode, calls, sweep, traces };
}
