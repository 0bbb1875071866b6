import { AppError } from '../errors.ts';
import type { AgentDefinition, Role } from './role.ts';
import { MECHANISM_ENGINEER } from './teams/mechanism-engineer.ts';
import { SINGLE_ENGINEER } from './teams/single-engineer.ts';

const AGENTS: readonly AgentDefinition[] = [MECHANISM_ENGINEER, SINGLE_ENGINEER];

/** Every agent that episodes may be started with. */
export const listAgents = (): readonly AgentDefinition[] => AGENTS;

/** The agent of this name; throws failed_precondition that names the ones there are. */
export function getAgent(name: string): AgentDefinition {
  const agent = AGENTS.find((one) => one.name === name);
  if (agent) return agent;
  throw new AppError('failed_precondition', `unknown agent: there is ${AGENTS.map((one) => one.name).join(', ')}`);
}

/** The role of an agent; one that the agent does not have has no tools and may write nothing. */
export function roleOf(agent: AgentDefinition, name: string): Role {
  return agent.roles.find((role) => role.name === name) ?? { name, prompt: '', tools: [], writes: { allow: [] } };
}
