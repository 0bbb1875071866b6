import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { AppError } from '../errors.ts';
import type { TurnEnd } from '../schemas/step.ts';
import type { ThoughtEnd } from '../schemas/thought.ts';
import type { GraphOutcome, NextThinkers } from '../schemas/turn.ts';
import type { AgentDefinition, Role } from './role.ts';

/** Thoughts in a row without a call, after which a turn counts as never handed on. */
const SILENT_THOUGHTS_MAX = 3;
/** As often as this among them, an end of its own kind is what the turn failed by. */
const SAME_ENDS_MIN = 2;

const OUTCOME_OF_END = {
  cut: 'MODEL_OUTPUT_CUT',
  filtered: 'MODEL_OUTPUT_FILTERED',
  refused: 'MODEL_REFUSED',
  empty: 'MODEL_OUTPUT_EMPTY',
  malformed: 'MODEL_OUTPUT_MALFORMED',
} as const satisfies Record<ThoughtEnd, GraphOutcome>;

const last = <T>(initial: T) => Annotation<T>({ reducer: (_, next) => next, default: () => initial });

/** The graph's state: whose turn it is. What was said and done is in the steps, so a checkpoint stays small. */
const State = Annotation.Root({
  /** Index of the role whose turn it is. */
  turn: last(0),
  /** Whether the last thought asked for calls. */
  calling: last(false),
  /** Thoughts in a row that asked for nothing, or for nothing that could be read. */
  silent: last(0),
  /** How those of them ended that are not complete, oldest first. */
  ends: last<ThoughtEnd[]>([]),
  /** Rejections so far. */
  rejections: last(0),
  outcome: last<GraphOutcome | null>(null),
});

/** The graph's state, as its nodes read it. */
export type AgentState = typeof State.State;

/** What the graph needs of a thought: how many calls it asks for, and how it ended where it is not complete. */
type Thought = { calls: number; end?: ThoughtEnd | undefined };

/** What one advance brings along for the graph's nodes; it never enters a checkpoint. */
export type TurnContext = {
  /** Has the role's model think, recorded as a step. */
  think?: (role: Role) => Promise<Thought>;
  /** How the last thought's calls ended the turn; null when they did not. Absent until they are done. */
  turn_end?: TurnEnd | null;
};

const contextOf = (config: { configurable?: Record<string, unknown> }) => (config.configurable ?? {}) as TurnContext;

/** The graph of a team: a node per role that has one thought, and one that takes in the results of its calls. */
export function buildGraph(agent: AgentDefinition, checkpointer: BaseCheckpointSaver) {
  const names = agent.roles.map(({ name }) => name);
  const nameAt = (turn: number) => {
    const name = names[turn];
    if (name === undefined) throw new AppError('internal', `the agent ${agent.name} has no role ${turn}`);
    return name;
  };
  const graph = new StateGraph(State) as unknown as Builder;
  for (const role of agent.roles) {
    graph.addNode(role.name, async (state, config) => {
      const { think } = contextOf(config);
      if (!think) throw new AppError('internal', 'a role was run without a model');
      const { calls, end } = await think(role);
      const fruitless = calls === 0 || end === 'malformed';
      const silent = fruitless ? state.silent + 1 : 0;
      const ends = fruitless ? [...state.ends, ...(end ? [end] : [])] : [];
      return { calling: calls > 0, silent, ends, outcome: calls > 0 ? null : stuckOutcome({ silent, ends }) };
    });
    graph.addConditionalEdges(role.name, (state) => (state.outcome ? END : state.calling ? 'tools' : role.name), [
      'tools',
      role.name,
      END,
    ]);
  }
  graph.addNode('tools', (state, config) => {
    const { turn_end } = contextOf(config);
    // Without results the graph stops here and waits for them; with them it goes on. They never enter its state.
    if (turn_end === undefined) return interrupt<string, Partial<AgentState>>('tool results');
    return { calling: false, ...(turn_end ? next(agent, state, turn_end) : { outcome: stuckOutcome(state) }) };
  });
  graph.addConditionalEdges('tools', (state) => (state.outcome ? END : nameAt(state.turn)), [...names, END]);
  graph.addEdge(START, nameAt(0));
  return graph.compile({ checkpointer });
}

/** How a role fails that says nothing of use time and again; null while it may go on. */
function stuckOutcome({ silent, ends }: Pick<AgentState, 'silent' | 'ends'>): GraphOutcome | null {
  if (silent < SILENT_THOUGHTS_MAX) return null;
  const often = ends.findLast((end) => ends.filter((one) => one === end).length >= SAME_ENDS_MIN);
  return often ? OUTCOME_OF_END[often] : 'HANDOFF_INVARIANT_VIOLATION';
}

/** Whose turn it is after one ended, or how the episode ended. */
function next(agent: AgentDefinition, { turn, rejections }: AgentState, end: TurnEnd): Partial<AgentState> {
  if (end.kind === 'submitted' || end.decision === 'APPROVED')
    return turn + 1 < agent.roles.length ? { turn: turn + 1 } : { outcome: 'APPROVED' };
  const mender = agent.roles.findIndex(({ name }) => name === agent.roles[turn]?.on_reject);
  if (mender < 0 || rejections + 1 >= agent.review_rounds_max)
    return { rejections: rejections + 1, outcome: 'REJECTED_BY_REVIEW' };
  return { turn: mender, rejections: rejections + 1 };
}

/** Who thinks once the calls are done of the graph's last thought. */
export function nextThinkers(agent: AgentDefinition, state: AgentState): NextThinkers {
  const thinker = ({ outcome, turn = state.turn }: Partial<AgentState>) =>
    outcome ? null : (agent.roles[turn]?.name ?? null);
  return {
    stays: thinker({ outcome: stuckOutcome(state) }),
    on: thinker(next(agent, state, { kind: 'submitted', summary: '' })),
    back: thinker(next(agent, state, { kind: 'reviewed', decision: 'REJECTED', reason: '' })),
  };
}

/** How an end of a turn is called among those. */
export const wayOf = (end: TurnEnd): 'on' | 'back' =>
  end.kind === 'reviewed' && end.decision === 'REJECTED' ? 'back' : 'on';

type NodeConfig = { configurable?: Record<string, unknown> };
/** LangGraph's builder collects node names in its type, which a loop over roles cannot state. */
type Builder = {
  addNode(
    name: string,
    run: (state: AgentState, config: NodeConfig) => Partial<AgentState> | Promise<Partial<AgentState>>,
  ): void;
  addConditionalEdges(from: string, route: (state: AgentState) => string, to: string[]): void;
  addEdge(from: string, to: string): void;
  compile(options: { checkpointer: BaseCheckpointSaver }): ReturnType<StateGraph<typeof State>['compile']>;
};

/** A compiled team. */
export type AgentGraph = ReturnType<typeof buildGraph>;
