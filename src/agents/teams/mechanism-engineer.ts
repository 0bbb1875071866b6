import { BENCHMARK_PATH } from '../tools/simulate.ts';
import { defineRole } from '../role.ts';
import type { AgentDefinition, Writes } from '../role.ts';
import { COSTING_TOOLS, PLAN_FILES, JOURNAL, READING_TOOLS, REVIEWS, SOLUTION_FILES, WRITING_TOOLS } from './work.ts';

const PLANNER: Writes = { allow: PLAN_FILES };
const REVIEWER: Writes = { allow: [REVIEWS, JOURNAL] };

/** The team that plans a mechanism, has the plan reviewed, builds it and has the result reviewed. */
export const MECHANISM_ENGINEER: AgentDefinition = {
  name: 'mechanism_engineer',
  description: 'Plans a mechanism, reviews the plan, writes its MJCF, simulates it and reviews the result',
  roles: [
    defineRole({
      name: 'engineer_planner',
      task: `You are the engineer planner. Read benchmark_definition.yaml, decide on the mechanism, its parts, materials, costs and weights,
and write engineering_plan.md, todo.md and assembly_definition.yaml. Then call submit_engineering_plan.`,
      tools: [...WRITING_TOOLS, ...COSTING_TOOLS, 'submit_engineering_plan'],
      writes: PLANNER,
    }),
    defineRole({
      name: 'electronics_planner',
      task: `You are the electronics planner. Check the plan's actuators and their power, add what is missing to engineering_plan.md, then call
submit_engineering_plan.`,
      tools: [...WRITING_TOOLS, ...COSTING_TOOLS, 'submit_engineering_plan'],
      writes: PLANNER,
    }),
    defineRole({
      name: 'engineer_plan_reviewer',
      task: `You are the plan reviewer. Hold the plan against benchmark_definition.yaml: goal, zones, cost and weight limits. Write your review
into reviews/, then call finish with your decision.`,
      tools: [...READING_TOOLS, ...COSTING_TOOLS, 'write_file', 'finish'],
      writes: REVIEWER,
      on_reject: 'engineer_planner',
    }),
    defineRole({
      name: 'engineer_coder',
      task: `You are the coder. Implement the approved plan: solution_script.mjs writes the MJCF scene. Check it with execute_command, keep
journal.md, then call submit_for_review.`,
      tools: [...WRITING_TOOLS, ...COSTING_TOOLS, 'execute_command', 'simulate', 'inspect_media', 'submit_for_review'],
      writes: { allow: ['/', ...SOLUTION_FILES, JOURNAL], deny: [REVIEWS] },
    }),
    defineRole({
      name: 'engineer_execution_reviewer',
      task: `You are the execution reviewer. Judge the result against the task and the plan. Write your review into reviews/, then call finish
with your decision.`,
      tools: [...READING_TOOLS, 'validate_costing_and_price', 'inspect_media', 'write_file', 'finish'],
      writes: REVIEWER,
      on_reject: 'engineer_coder',
    }),
  ],
  needs: [BENCHMARK_PATH],
  review_rounds_max: 3,
};
