import { AppError } from '../errors.ts';
import { ROLE_PROMPTS } from './prompts.ts';

/** One of the agents that take turns in an episode: what it is told, what it may use, where a rejection sends the work. */
export type Role = {
  name: string;
  prompt: string;
  tools: readonly string[];
  /** For a reviewer: the role that mends what it rejects. */
  on_reject?: string;
};

/** A team of roles. Each hands on to the next; the last one's approval ends the episode. */
export type AgentDefinition = {
  name: string;
  description: string;
  roles: readonly Role[];
  /** Rejections after which the episode ends as rejected. */
  review_rounds_max: number;
};

const READING = ['list_files', 'read_file', 'grep'] as const;
const WRITING = [...READING, 'write_file', 'edit_file', 'ask_person'] as const;
const COSTING = ['search_cots_catalog', 'validate_costing_and_price'] as const;
const TEAM = {
  engineer_planner: { tools: [...WRITING, ...COSTING, 'submit_engineering_plan'] },
  electronics_planner: { tools: [...WRITING, ...COSTING, 'submit_engineering_plan'] },
  engineer_plan_reviewer: { tools: [...READING, ...COSTING, 'write_file', 'finish'], on_reject: 'engineer_planner' },
  engineer_coder: {
    tools: [...WRITING, ...COSTING, 'execute_command', 'simulate', 'inspect_media', 'submit_for_review'],
  },
  engineer_execution_reviewer: {
    tools: [...READING, 'validate_costing_and_price', 'inspect_media', 'write_file', 'finish'],
    on_reject: 'engineer_coder',
  },
} as const satisfies Record<string, Omit<Role, 'name' | 'prompt'>>;

const SINGLE = [...WRITING, ...COSTING, 'execute_command', 'simulate', 'inspect_media', 'finish'] as const;

const AGENTS: readonly AgentDefinition[] = [
  {
    name: 'mechanism_engineer',
    description: 'Plans a mechanism, reviews the plan, writes its MJCF, simulates it and reviews the result',
    roles: Object.entries(TEAM).map(([name, role]) => ({
      name,
      prompt: ROLE_PROMPTS[name as keyof typeof TEAM],
      ...role,
    })),
    review_rounds_max: 3,
  },
  {
    name: 'single_engineer',
    description: 'One engineer who plans, builds, checks and judges alone',
    roles: [{ name: 'engineer', prompt: ROLE_PROMPTS.engineer, tools: SINGLE }],
    review_rounds_max: 1,
  },
];

/** Every agent that episodes may be started with. */
export const listAgents = (): readonly AgentDefinition[] => AGENTS;

/** The agent of this name; throws failed_precondition that names the ones there are. */
export function getAgent(name: string): AgentDefinition {
  const agent = AGENTS.find((one) => one.name === name);
  if (agent) return agent;
  throw new AppError('failed_precondition', `unknown agent: there is ${AGENTS.map((one) => one.name).join(', ')}`);
}
