import { Context } from '@temporalio/activity';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import type { Pool } from 'pg';
import { beginPass } from '../../../agents/own/pass.ts';
import { answering, findEarlier, positionAt, runPass } from '../../../agents/own/superstep.ts';
import type { OwnPosition } from '../../../agents/own/superstep.ts';
import { compileOwn } from '../../../agents/own/team.ts';
import type { CompiledGraph } from '../../../agents/own/team.ts';
import type { OwnTeam } from '../../../agents/own/tools.ts';
import { copyCheckpoint } from '../../../db/checkpointer.ts';
import { readSpent } from '../../../db/read/spent.ts';
import { findStep } from '../../../db/read/steps.ts';
import { setThread } from '../../../db/write/episodes.ts';
import { AppError } from '../../../errors.ts';
import { threadIdOf } from '../../../identity.ts';
import type { Episode } from '../../../schemas/episode.ts';
import { OwnOutcome } from '../../../schemas/own-agent.ts';
import type { Step } from '../../../schemas/step.ts';
import type { AdvanceRequest, CallRef, GraphOutcome, Turn } from '../../../schemas/turn.ts';
import { listQuestions, placeCalls } from './calls.ts';
import { inputOf, wordsFor } from './input.ts';
import { openRecord } from './record.ts';
import type { OwnRecordDeps } from './record.ts';

export type OwnAdvanceDeps = OwnRecordDeps & { pool: Pool; checkpointer: BaseCheckpointSaver };

/** Supersteps that one activity runs in a row. A graph that asks nothing in so many will never come to its end. */
const SUPERSTEPS_MAX = 1_000;
/** Times that a superstep goes on with recorded answers to its own questions: one for each. */
const QUESTIONS_MAX = 100;

/** One activity's work on a graph of one's own. */
type Advancing = {
  deps: OwnAdvanceDeps;
  request: AdvanceRequest;
  episode: Episode;
  team: OwnTeam;
  graph: CompiledGraph;
  thread_id: string;
  /** The step that has the activity's number: recorded by an earlier try, or by this one. */
  number: { step: Step | undefined };
};

/** Advances graphs of one's own: supersteps as far as their questions have answers, with one thought on the way. */
export function createOwnAdvance(deps: OwnAdvanceDeps) {
  const graphs = new Map<OwnTeam, Promise<CompiledGraph>>();
  const graphOf = (team: OwnTeam) => {
    const graph = graphs.get(team) ?? compileOwn(team, deps.checkpointer);
    graphs.set(team, graph);
    return graph;
  };
  return async (request: AdvanceRequest, { episode, team }: { episode: Episode; team: OwnTeam }): Promise<Turn> => {
    const { run_id, seq } = request.step;
    const thread_id = threadIdOf(episode.id, run_id);
    await enterThread(deps, request, thread_id);
    const recorded = await findStep(deps.db, episode.id, seq);
    const number = { step: recorded?.run_id === run_id ? recorded : undefined };
    const graph = await graphOf(team);
    return advance({ deps, request, episode, team, graph, thread_id, number });
  };
}

/**
 * Each run works in a thread of its own, and begins there with the checkpoint that it goes on from: what an overtaken run
 * left half done is no part of its line. What the line did is served from the record.
 */
async function enterThread({ db, pool }: OwnAdvanceDeps, request: AdvanceRequest, thread_id: string): Promise<void> {
  if (request.thread_id === thread_id) return;
  const { checkpoint_id: id, thread_id: from, step } = request;
  if (id !== null && from !== null) await copyCheckpoint(pool, { id, from, to: thread_id });
  await setThread(db, step.episode_id, thread_id);
}

async function advance(work: Advancing): Promise<Turn> {
  const { request, team } = work;
  let from = request.checkpoint_id;
  let superstep = request.superstep ?? 0;
  const turn = async (calls: CallRef[] = [], outcome: GraphOutcome | null = null): Promise<Turn> => ({
    thread_id: work.thread_id,
    checkpoint_id: from ?? '',
    next_key: null,
    thought: await thoughtOf(work.deps, work.number.step),
    outcome,
    own: { superstep, agent: team.agent.name, calls },
  });
  for (let count = 0; count < SUPERSTEPS_MAX; count += 1) {
    if (Context.current().cancellationSignal.aborted)
      throw new AppError('cancelled', 'the worker stopped this attempt');
    const reached = await runSuperstep(work, from, superstep);
    if ('calls' in reached) {
      from = reached.base;
      return turn(reached.calls);
    }
    if (from !== null) superstep += 1;
    from = reached.position.checkpoint_id;
    if (reached.position.next.length === 0) return turn([], outcomeOf(team, reached.position));
  }
  if (work.number.step) return turn();
  throw new AppError('failed_precondition', `the graph asked nothing in ${SUPERSTEPS_MAX} supersteps in a row`);
}

/** The step that this activity put on record, as the workflow counts it. */
async function thoughtOf({ db }: OwnAdvanceDeps, step: Step | undefined): Promise<Turn['thought']> {
  if (!step || step.status === 'running') return null;
  const { agent, step_key: key, input_tokens, output_tokens, usd } = step;
  const spent_ms = await readSpent(db, step.id);
  return { agent, key, calls: [], tokens: input_tokens + output_tokens, usd, spent_ms };
}

function outcomeOf({ agent }: OwnTeam, { state }: OwnPosition): GraphOutcome {
  const said = OwnOutcome.safeParse(agent.outcome?.(state) ?? 'COMPLETED');
  if (said.success) return said.data;
  throw new AppError(
    'failed_precondition',
    `agents.${agent.name}.outcome must return ${OwnOutcome.options.join(', ')}: ${said.error.issues[0]?.message}`,
  );
}

/** Where the graph stands after a superstep, or the calls that it waits for on its base. */
type Reached = { position: OwnPosition } | { base: string; calls: CallRef[] };

async function runSuperstep(work: Advancing, from: string | null, superstep: number): Promise<Reached> {
  const { deps, graph, thread_id, team, episode, request } = work;
  const { run_id, seq } = request.step;
  let base = from;
  if (Context.current().info.attempt > 1) {
    const earlier = await findEarlier({ graph, pool: deps.pool }, { thread_id, run_id, from });
    if (earlier && (earlier.done || from === null)) return earlier;
    base = earlier?.position.checkpoint_id ?? from;
  }
  const place = { thread_id, run_id };
  if (base === null) {
    const begun = beginPass(superstep, team.agent.inside, NO_RECORD);
    const end = await runPass(graph, begun, { ...place, from: null, input: inputOf(team.agent, episode) });
    if ('position' in end) return end;
    throw new AppError('internal', 'the graph did not begin');
  }
  const state = await positionAt(graph, thread_id, base);
  const words = await wordsFor(deps, team.agent, { episode_id: episode.id, before: seq, state: state.state });
  const record = await openRecord(deps, { ...work, superstep, checkpoint_id: base });
  let input: object | null = words;
  for (let count = 0; count < QUESTIONS_MAX; count += 1) {
    const pass = beginPass(superstep, team.agent.inside, record);
    const end = await runPass(graph, pass, { ...place, from: base, input });
    if ('position' in end) return end;
    ({ base } = end);
    const questions = await listQuestions(deps.checkpointer, pass, { thread_id, checkpoint_id: base });
    const answers = questions.flatMap(({ id, key }) => {
      const answer = record.sayingAt(key);
      return answer === undefined ? [] : [[id, answer] as const];
    });
    if (answers.length === 0) return { base, calls: await callsOf(work, { pass, record, questions, base }) };
    input = answering(Object.fromEntries(answers));
  }
  throw new AppError('resource_exhausted', `superstep ${superstep} asks more than ${QUESTIONS_MAX} questions`);
}

type Waiting = Parameters<typeof placeCalls>[2];

/** The calls that a superstep waits for; throws internal where it waits for nothing. */
async function callsOf(work: Advancing, waiting: Waiting): Promise<CallRef[]> {
  const calls = await placeCalls(work.deps, work, waiting);
  if (calls.length > 0 || work.number.step) return calls;
  throw new AppError('internal', 'the graph neither went on nor asked for anything');
}

/** A graph that begins runs no node, and so asks nothing. */
const NO_RECORD = { think: () => Promise.resolve(undefined), answer: () => Promise.resolve(undefined) };
