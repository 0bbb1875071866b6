import { createAdvanceActivity } from '../activities/advance.ts';
import { createModels } from '../activities/agent/models/models.ts';
import { createCallToolActivities } from '../activities/call-tool.ts';
import { createEpisodeRecordActivities } from '../activities/episode.ts';
import { createJsonStore } from '../activities/json-store.ts';
import { createRecorder } from '../activities/record.ts';
import { createSweepActivities } from '../activities/sweep.ts';
import { createRegistry } from '../activities/tools/registry.ts';
import type { Sandbox } from '../activities/tools/sandbox.ts';
import type { Workspaces } from '../activities/workspaces.ts';
import { Checkpointer } from '../db/checkpointer.ts';
import type { DatabaseClient } from '../db/client.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createSpanFreezer } from '../tracing/spans.ts';
import type { EpisodeWorkflows } from './temporal-client.ts';

/** What the activities of one worker are made of. */
export type ActivityParts = Pick<DatabaseClient, 'db' | 'pool'> & {
  store: ObjectStore;
  workspaces: Workspaces;
  workflows: Pick<EpisodeWorkflows, 'startEpisode'>;
  sandbox: Sandbox;
  namespace: string;
  worker: { id: string; build: string };
  queues: { workspace: string };
};

/** Every activity, wired, by the queue that serves it: an episode's, those that run calls, and the sweeps'. */
export function createActivities(parts: ActivityParts) {
  const { db, pool, store, workspaces, workflows, sandbox, namespace, worker, queues } = parts;
  const json = createJsonStore(store);
  const freezeSpan = createSpanFreezer({ namespace });
  const recordStep = createRecorder({ db, json, freezeSpan, namespace, worker });
  const registry = createRegistry();
  const checkpointer = new Checkpointer(pool);
  const models = createModels(json);
  const workspace_queue = queues.workspace;
  const calls = createCallToolActivities({
    db,
    store,
    json,
    recordStep,
    registry,
    workspaces,
    sandbox,
    workspace_queue,
  });
  const episode = {
    ...createEpisodeRecordActivities({ db, freezeSpan, namespace }),
    ...createAdvanceActivity({ db, pool, checkpointer, json, recordStep, models, registry }),
    ...calls,
  };
  const sweep = createSweepActivities({ db, startEpisode: (accepted) => workflows.startEpisode(accepted) });
  return { episode, calls, sweep };
}
