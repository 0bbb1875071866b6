import { Context } from '@temporalio/activity';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import { copyCheckpoint, findThreadOf } from '../../db/checkpointer.ts';
import { getEpisodeOrigin } from '../../db/read/episodes.ts';
import type { EpisodeOrigin } from '../../db/read/episodes.ts';
import {
  checkPlace,
  findLastCheckpointed,
  listRecordedWords,
  listSinceLastThought,
  sumUsage,
  wasDelivered,
} from '../../db/read/places.ts';
import { setThread } from '../../db/write/episodes.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { stepKeyOfCall, superstepOf, threadIdOf } from '../../identity.ts';
import { ThoughtOutput } from '../../schemas/step.ts';
import type { Step } from '../../schemas/step.ts';
import type { ThoughtEnd } from '../../schemas/thought.ts';
import type { PersonAnswer, ResumePoint, ResumeRequest } from '../../schemas/turn.ts';
import type { Agents } from '../../agents/agents.ts';
import { buildGraph, nextThinkers, wayOf } from '../../agents/graph.ts';
import { runSuperstep } from '../../agents/superstep.ts';
import type { GraphPosition } from '../../agents/superstep.ts';
import { callRef, placeOf, turnEndOf } from './advance.ts';
import { heartbeating } from '../heartbeat.ts';
import { wordsOfStep } from './words.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import type { Tool } from '../../agents/tools/tool.ts';

export type ResumeDeps = {
  db: Kysely<Database>;
  pool: Pool;
  checkpointer: BaseCheckpointSaver;
  json: Pick<JsonStore, 'unpack'>;
  agents: Agents;
  registry: ReadonlyMap<string, Tool>;
};

/** The activity with which a run begins that goes on from a recorded place. */
export function createResumeActivity(deps: ResumeDeps) {
  const { db, json, registry } = deps;
  return {
    /**
     * Puts the graph where the line was after a step, and says what is left to do there. (Open histories hold the activity's name.) Where the last thought is a
     * parent's, its checkpoint is copied into a thread of this episode's own. Throws failed_precondition where one cannot go on from the
     * place, data_loss where its checkpoint is gone.
     */
    standAt: heartbeating(async (request: ResumeRequest): Promise<ResumePoint> => {
      await checkPlace(db, request);
      const { episode, opening_message } = await getEpisodeOrigin(db, request.episode_id);
      const agent = deps.agents.get(episode.agent);
      const thinks = agent.roles[0]?.name ?? null;
      const progress = { ...(await progressAt(db, { episode, opening_message, seq: request.seq })), thinks };
      if (agent.own) return { progress: await progressOfOwn(deps, request, progress), unfinished: null, outcome: null };
      const steps = await listSinceLastThought(db, request);
      const thought = steps.find(({ kind }) => kind === 'thought');
      if (!thought) return { progress, unfinished: null, outcome: null };
      const { tool_calls, end } = ThoughtOutput.parse(await json.unpack(thought.output));
      const { thread_id, position } = await thinkAgain(deps, {
        request,
        thought,
        had: { calls: tool_calls.length, end },
      });
      const { outcome, ...graph } = placeOf(position);
      const deliver_seq = tool_calls.length > 0 ? thought.seq : null;
      const next = nextThinkers(agent, position.state);
      const ended = deliver_seq === null ? null : await turnEndOf(deps, episode.id, deliver_seq);
      Object.assign(progress, { thread_id, ...graph, deliver_seq, thinks: next[ended ? wayOf(ended) : 'stays'] });
      const { seq, step_key: key } = thought;
      const calls = tool_calls
        .filter(({ id }) => !steps.some(({ step_key }) => step_key === stepKeyOfCall(key, id)))
        .map((call) => callRef(registry, episode, call));
      if (calls.length === 0) return { progress, unfinished: null, outcome };
      const decided = await decisionOn(deps, steps, calls[0]?.id ?? '');
      return {
        progress,
        unfinished: { seq, agent: thought.agent, key, checkpoint_id: graph.checkpoint_id, calls, decided, next },
        outcome,
      };
    }),
  };
}

/** What a run after this step has behind it and before it, its graph left aside. */
async function progressAt(
  db: ResumeDeps['db'],
  { episode, opening_message: said, seq }: Omit<EpisodeOrigin, 'runs'> & { seq: number },
): Promise<ResumePoint['progress']> {
  const place = { episode_id: episode.id, seq };
  return {
    seq,
    thread_id: null,
    checkpoint_id: null,
    next_key: null,
    deliver_seq: null,
    ...(await sumUsage(db, place)),
    inherited: episode.forked_from_seq ?? 0,
    messages: said && !(await wasDelivered(db, place, said.id)) ? [said] : [],
    recorded_words: await listRecordedWords(db, episode, seq),
  };
}

type Again = { request: ResumeRequest; thought: Step; had: { calls: number; end: ThoughtEnd | undefined } };

/** Runs the superstep of a recorded thought with its recorded result, no model asked: its checkpoint may never have been written. */
async function thinkAgain(
  { db, pool, checkpointer, agents }: ResumeDeps,
  { request: { episode_id, run_id }, thought, had }: Again,
): Promise<{ thread_id: string; position: GraphPosition }> {
  const from = thought.checkpoint_id;
  if (from === null) throw new AppError('data_loss', `step ${thought.seq} has no checkpoint`);
  const { episode, recorded } = await findThread({ db, pool }, thought.episode_id, from);
  const thread_id = episode.id === episode_id ? recorded : threadIdOf(episode_id, run_id);
  if (thread_id !== recorded) {
    await copyCheckpoint(pool, { id: from, from: recorded, to: thread_id });
    await setThread(db, episode_id, thread_id);
  }
  const graph = buildGraph(agents.get(episode.agent), checkpointer);
  const context = { think: () => Promise.resolve(had) };
  const recovering = Context.current().info.attempt > 1;
  const position = await runSuperstep({ graph, pool }, { thread_id, run_id, from, context }, recovering);
  return { thread_id, position };
}

/** The thread of an episode that holds the checkpoint. */
async function findThread({ db, pool }: Pick<ResumeDeps, 'db' | 'pool'>, episodeId: string, checkpointId: string) {
  const { episode, runs } = await getEpisodeOrigin(db, episodeId);
  const own = runs.map((run) => threadIdOf(episode.id, run));
  const threads = [...own, ...(episode.thread_id ? [episode.thread_id] : [])];
  return { episode, recorded: await findThreadOf(pool, checkpointId, threads) };
}

/**
 * Where a graph of one's own stands after a step: before the superstep that the step belongs to. That runs again, and all
 * that was asked in it up to the step is served from the record.
 */
async function progressOfOwn(
  deps: ResumeDeps,
  place: ResumeRequest,
  progress: ResumePoint['progress'],
): Promise<ResumePoint['progress']> {
  const step = await findLastCheckpointed(deps.db, place);
  if (!step) return progress; // nothing was asked by then: the graph begins anew
  const { recorded: thread_id } = await findThread(deps, step.episode_id, step.checkpoint_id);
  return { ...progress, thread_id, checkpoint_id: step.checkpoint_id, superstep: superstepOf(step.step_key) };
}

/** What a person decided on a call that has not run yet; null where nobody did. */
async function decisionOn({ json }: ResumeDeps, steps: Step[], callId: string): Promise<PersonAnswer | null> {
  const approval = steps.findLast(({ step_key }) => step_key.endsWith(`/${callId}:approval`));
  if (!approval) return null;
  const said = await wordsOfStep(json, approval);
  return {
    id: approval.id,
    author: said?.author ?? '',
    words: { step_id: approval.id },
    step: approval.seq,
    approve: approval.status === 'ok',
  };
}
