import { Context } from '@temporalio/activity';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import type { Pool } from 'pg';
import { getEpisode } from '../../db/read/episodes.ts';
import { readSpent } from '../../db/read/spent.ts';
import { findStep } from '../../db/read/steps.ts';
import { listCallsOf } from '../../db/read/transcript.ts';
import { setThread } from '../../db/write/episodes.ts';
import { AppError } from '../../errors.ts';
import type { Episode } from '../../schemas/episode.ts';
import { threadIdOf } from '../../identity.ts';
import { ThoughtOutput, ToolOutput } from '../../schemas/step.ts';
import type { Step, TurnEnd } from '../../schemas/step.ts';
import type { AdvanceRequest, CallRef, Turn } from '../../schemas/turn.ts';
import type { Agents } from '../../agents/agents.ts';
import type { AgentDefinition, Role } from '../../agents/role.ts';
import { buildGraph, nextThinkers } from '../../agents/graph.ts';
import type { AgentGraph, TurnContext } from '../../agents/graph.ts';
import { runSuperstep } from '../../agents/superstep.ts';
import type { GraphPosition } from '../../agents/superstep.ts';
import { heartbeating } from '../heartbeat.ts';
import { createOwnAdvance } from './own/advance.ts';
import { recordThought } from './think.ts';
import type { ThinkDeps } from './think.ts';
import type { Tool } from '../../agents/tools/tool.ts';

export type AdvanceDeps = ThinkDeps & {
  agents: Agents;
  pool: Pool;
  checkpointer: BaseCheckpointSaver;
};

/** What Temporal's UI shows of a call is cut here; the whole is in the record. */
const SUMMARY_CHARS_MAX = 100;

/** The activity that drives the graph: deliver results, then one thought. */
export function createAdvanceActivity(deps: AdvanceDeps) {
  const graphs = new Map<string, AgentGraph>();
  const graphOf = (agent: AgentDefinition) => {
    const graph = graphs.get(agent.name) ?? buildGraph(agent, deps.checkpointer);
    graphs.set(agent.name, graph);
    return graph;
  };
  const advanceOwn = createOwnAdvance(deps);

  return {
    /** Gives the graph the results of its last calls, then has the role whose turn it is think: one step of the episode. */
    advance: heartbeating(async (request: AdvanceRequest): Promise<Turn> => {
      const { step: identity, checkpoint_id, next_key, deliver_seq } = request;
      const { episode_id, run_id } = identity;
      const episode = await getEpisode(deps.db, episode_id);
      const agent = deps.agents.get(episode.agent);
      if (agent.own) return advanceOwn(request, { episode, team: agent.own });
      const graph = graphOf(agent);
      const thread_id = request.thread_id ?? threadIdOf(episode_id, run_id);
      const superstep = (from: string | null, context: TurnContext) =>
        runSuperstep(
          { graph, pool: deps.pool },
          { thread_id, run_id, from, context },
          Context.current().info.attempt > 1,
        );

      const placeBeforeThought = async (): Promise<GraphPlace> => {
        if (checkpoint_id === null) {
          await setThread(deps.db, episode_id, thread_id);
          return placeOf(await superstep(null, {}));
        }
        if (deliver_seq === null) return { checkpoint_id, next_key, outcome: null };
        const turn_end = await turnEndOf(deps, episode_id, deliver_seq);
        return placeOf(await superstep(checkpoint_id, { turn_end }));
      };
      const before = await placeBeforeThought();
      const { next_key: step_key } = before;
      if (step_key === null) return { thread_id, ...before, thought: null };

      let step: Step | undefined;
      const think = async (role: Role) => {
        step = await recordThought(deps, {
          episode,
          role,
          identity,
          step_key,
          checkpoint_id: before.checkpoint_id,
          left_ms: request.left_ms,
        });
        const { tool_calls, end } = await thoughtOf(deps, step);
        return { calls: tool_calls.length, end };
      };
      const position = await superstep(before.checkpoint_id, { think });
      step ??= await findStep(deps.db, episode_id, identity.seq);
      if (!step) throw new AppError('data_loss', `checkpoint ${position.checkpoint_id} has no step ${identity.seq}`);
      const { tool_calls } = await thoughtOf(deps, step);
      return {
        thread_id,
        ...placeOf(position),
        thought: {
          agent: step.agent,
          key: step.step_key,
          next: nextThinkers(agent, position.state),
          calls: tool_calls.map((call) => callRef(deps.registry, episode, call)),
          tokens: step.input_tokens + step.output_tokens,
          usd: step.usd,
          spent_ms: await readSpent(deps.db, step.id),
        },
      };
    }),
  };
}

type GraphPlace = Pick<Turn, 'checkpoint_id' | 'next_key' | 'outcome'>;

/** The graph's position, as the workflow carries it. */
export function placeOf({ checkpoint_id, next, state }: GraphPosition): GraphPlace {
  const [next_key = null] = next;
  if (next_key === null && !state.outcome) throw new AppError('internal', 'the graph ended without an outcome');
  return { checkpoint_id, next_key, outcome: next_key === null ? state.outcome : null };
}

/** How the calls of a thought ended its role's turn; null when none did. */
export async function turnEndOf(
  { db, json }: { db: AdvanceDeps['db']; json: Pick<AdvanceDeps['json'], 'unpack'> },
  episodeId: string,
  seq: number,
): Promise<TurnEnd | null> {
  let end: TurnEnd | null = null;
  for (const call of await listCallsOf(db, episodeId, seq)) {
    if (call.status !== 'ok') continue;
    end = ToolOutput.parse(await json.unpack(call.output)).turn_end ?? end;
  }
  return end;
}

async function thoughtOf({ json }: AdvanceDeps, step: Step): Promise<ThoughtOutput> {
  if (step.status !== 'ok')
    throw new AppError(
      'failed_precondition',
      `step ${step.seq} ended as ${step.status}: there is no thought to go on from`,
    );
  return ThoughtOutput.parse(await json.unpack(step.output));
}

/** The call as the workflow knows it. */
export function callRef(
  registry: ReadonlyMap<string, Tool>,
  { approvals }: Episode,
  { id, name, args }: ThoughtOutput['tool_calls'][number],
): CallRef {
  const tool = registry.get(name);
  const summary = `${name} ${tool?.subject(args) ?? ''}`.trim().slice(0, SUMMARY_CHARS_MAX);
  const ask = approvals[name] === 'ask';
  return { id, name, kind: tool?.kind ?? 'tool_call', ask, read_only: tool?.read_only ?? true, summary };
}
