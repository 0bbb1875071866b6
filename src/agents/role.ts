import type { Episode } from '../schemas/episode.ts';
import { RULES_FOR_AGENTS } from '../simulation/rules-for-agents.ts';
import { isWithin, parseAgentPath } from '../storage/policy.ts';
import type { OwnTeam } from './own/tools.ts';

/** Where a role may write, and where not even there. A path means itself and all below it; everybody may read everything. */
export type Writes = { allow: readonly string[]; deny?: readonly string[] };

/** One of the agents that take turns in an episode: its instructions, what it may use and write, where a rejection sends the work. */
export type Role = {
  name: string;
  prompt: string;
  /** The names of its tools. */
  tools: readonly string[];
  writes: Writes;
  /** For a reviewer: the role that mends what it rejects. */
  on_reject?: string;
};

/** A team of roles. Each hands on to the next; the last one's approval ends the episode. */
export type AgentDefinition = {
  name: string;
  description: string;
  roles: readonly Role[];
  /** Paths of the inputs that it cannot begin without; left out where it needs none. */
  needs?: readonly string[];
  /** Rejections after which the episode ends as rejected. */
  review_rounds_max: number;
  /** Where a user brought it: its work is a graph of its own, not turns of roles. */
  own?: OwnTeam;
};

/** The instructions of every role: the world that it works in. */
const COMMON = `You are one of a team of engineering agents that design mechanisms and prove them in physics simulation.
Your workspace is the folder "/". Files that you write there are kept; "/renders/" holds what simulations made and is read-only.
Work by calling tools. End your turn with the tool that hands your work on.`;

/**
 * A role whose task follows the instructions of every role. Who may simulate reads in that tool's description what a scene is judged by;
 * the others plan, write or review scenes all the same, so their prompt says it.
 */
export function defineRole({ task, ...role }: Omit<Role, 'prompt'> & { task: string }): Role {
  const rules = role.tools.includes('simulate') ? [] : [`Scenes are judged by these rules. ${RULES_FOR_AGENTS}`];
  return { ...role, prompt: [COMMON, task, ...rules].join('\n') };
}

/** The files that an episode was started with and that the role may not write: all but those that its `allow` names. */
export function protectedInputs({ writes }: Role, inputs: Episode['inputs']): Set<string> {
  const isOwn = (path: string) => writes.allow.some((prefix) => prefix !== '/' && isWithin(prefix, path));
  return new Set(inputs.map(({ path }) => parseAgentPath(path)).filter((path) => !isOwn(path)));
}
