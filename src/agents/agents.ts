import { AppError } from '../errors.ts';
import type { OwnAgent } from '../schemas/own-agent.ts';
import { defineOwnTeam } from './own/team.ts';
import type { AgentDefinition, Role } from './role.ts';
import { MECHANISM_ENGINEER } from './teams/mechanism-engineer.ts';
import { SINGLE_ENGINEER } from './teams/single-engineer.ts';
import { createRegistry } from './tools/registry.ts';

/** The agents of a deployment. */
export type Agents = {
  /** Every agent that episodes may be started with. */
  list: () => readonly AgentDefinition[];
  /** The agent of this name; throws failed_precondition that names the ones there are. */
  get: (name: string) => AgentDefinition;
};

const BUILT_IN: readonly AgentDefinition[] = [MECHANISM_ENGINEER, SINGLE_ENGINEER];

/** Who thinks first in an episode of this agent: its first role, which for an agent of one's own has the agent's name. */
export const firstThinker = (agent: string): string =>
  BUILT_IN.find(({ name }) => name === agent)?.roles[0]?.name ?? agent;

/** The built-in agents, and those that the configuration brings. Throws invalid_argument that names one which cannot be. */
export function createAgents(own: ReadonlyMap<string, OwnAgent>): Agents {
  const names = new Set(createRegistry().keys());
  const agents = [...BUILT_IN];
  for (const agent of own.values()) {
    if (agents.some(({ name }) => name === agent.name))
      throw new AppError('invalid_argument', `agents.${agent.name}.name is that of a built-in agent`);
    agents.push(defineOwnTeam(agent, names));
  }
  return {
    list: () => agents,
    get(name) {
      const agent = agents.find((one) => one.name === name);
      if (agent) return agent;
      throw new AppError('failed_precondition', `unknown agent: there is ${agents.map((one) => one.name).join(', ')}`);
    },
  };
}

/** The role of an agent; one that the agent does not have has no tools and may write nothing. All parts of a graph of one's own are one role. */
export function roleOf(agent: AgentDefinition, name: string): Role {
  const own = agent.own && agent.roles[0];
  return (
    own ?? agent.roles.find((role) => role.name === name) ?? { name, prompt: '', tools: [], writes: { allow: [] } }
  );
}
