import { defineRole } from '../role.ts';
import type { AgentDefinition } from '../role.ts';
import { COSTING_TOOLS, PLAN_FILES, REVIEWS, SOLUTION_FILES, WRITING_TOOLS } from './work.ts';

/** One engineer who does everybody's work. */
export const SINGLE_ENGINEER: AgentDefinition = {
  name: 'single_engineer',
  description: 'One engineer who plans, builds, checks and judges alone',
  roles: [
    defineRole({
      name: 'engineer',
      task: `You are the only engineer. Do what the task asks, check it with execute_command, write down in a review what you checked, then
call finish with your decision on your own work.`,
      tools: [...WRITING_TOOLS, ...COSTING_TOOLS, 'execute_command', 'simulate', 'inspect_media', 'finish'],
      writes: { allow: ['/', ...PLAN_FILES, ...SOLUTION_FILES, REVIEWS] },
    }),
  ],
  review_rounds_max: 1,
};
