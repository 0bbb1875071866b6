import { Context } from '@temporalio/activity';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import type { Kysely } from 'kysely';
import type { Pool } from 'pg';
import { copyCheckpoint, findThreadOf } from '../../db/checkpointer.ts';
import { getEpisodeOrigin } from '../../db/read/episodes.ts';
import type { EpisodeOrigin } from '../../db/read/episodes.ts';
import { checkPlace, listRecordedWords, listSinceLastThought, sumUsage, wasDelivered } from '../../db/read/places.ts';
import { setThread } from '../../db/write/episodes.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { stepKeyOfCall, threadIdOf } from '../../identity.ts';
import { ThoughtOutput } from '../../schemas/step.ts';
import type { Step } from '../../schemas/step.ts';
import type { ThoughtEnd } from '../../schemas/thought.ts';
import type { PersonAnswer, ResumePoint, ResumeRequest } from '../../schemas/turn.ts';
import { getAgent } from '../../agents/agents.ts';
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
      const progress = await progressAt(db, { episode, opening_message, seq: request.seq });
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
      const next = nextThinkers(getAgent(episode.agent), position.state);
      const ended = deliver_seq === null ? null : await turnEndOf(deps, episode.id, deliver_seq);
      const thinks = next[ended ? wayOf(ended) : 'stays'];
      Object.assign(progress, { thread_id, ...graph, deliver_seq, thinks });
      const { seq, agent, step_key: key } = thought;
      const calls = tool_calls
        .filter(({ id }) => !steps.some(({ step_key }) => step_key === stepKeyOfCall(key, id)))
        .map((call) => callRef(registry, episode, call));
      if (calls.length === 0) return { progress, unfinished: null, outcome };
      const decided = await decisionOn(deps, steps, calls[0]?.id ?? '');
      return {
        progress,
        unfinished: { seq, agent, key, checkpoint_id: graph.checkpoint_id, calls, decided, next },
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
    thinks: getAgent(episode.agent).roles[0]?.name ?? null,
    messages: said && !(await wasDelivered(db, place, said.id)) ? [said] : [],
    recorded_words: await listRecordedWords(db, episode, seq),
  };
}

type Again = { request: ResumeRequest; thought: Step; had: { calls: number; end: ThoughtEnd | undefined } };

/** Runs the superstep of a recorded thought with its recorded result, no model asked: its checkpoint may never have been written. */
async function thinkAgain(
  { db, pool, checkpointer }: ResumeDeps,
  { request: { episode_id, run_id }, thought, had }: Again,
): Promise<{ thread_id: string; position: GraphPosition }> {
  const from = thought.checkpoint_id;
  if (from === null) throw new AppError('data_loss', `step ${thought.seq} has no checkpoint`);
  const { episode, runs } = await getEpisodeOrigin(db, thought.episode_id);
  const threads = [
    ...runs.map((run) => threadIdOf(episode.id, run)),
    ...(episode.thread_id ? [episode.thread_id] : []),
  ];
  const recorded = await findThreadOf(pool, from, threads);
  const thread_id = episode.id === episode_id ? recorded : threadIdOf(episode_id, run_id);
  if (thread_id !== recorded) {
    await copyCheckpoint(pool, { id: from, from: recorded, to: thread_id });
    await setThread(db, episode_id, thread_id);
  }
  const graph = buildGraph(getAgent(episode.agent), checkpointer);
  const context = { think: () => Promise.resolve(had) };
  const recovering = Context.current().info.attempt > 1;
  const position = await runSuperstep({ graph, pool }, { thread_id, run_id, from, context }, recovering);
  return { thread_id, position };
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
