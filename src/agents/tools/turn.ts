import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { defineTool, PathArgument, textOf } from './tool.ts';
import type { Tool, ToolContext } from './tool.ts';

const Submit = z.strictObject({
  summary: z.string().min(1).max(4_000).describe('what was done, for the agent who comes next'),
  files: z.array(PathArgument).min(1).max(50).describe('the files handed on; they must exist'),
});
const Finish = z.strictObject({
  decision: z.enum(['APPROVED', 'REJECTED']),
  reason: z.string().min(1).max(4_000),
  review_path: PathArgument.describe('the written review; it must exist'),
});

const requireFiles = async (paths: string[], { files }: ToolContext) => {
  for (const path of paths)
    if (!(await files.stat(path))) throw new AppError('failed_precondition', `${path} does not exist: write it first`);
};

const submitTool = (name: string, description: string, facts: Tool['facts'] = () => []) =>
  defineTool({
    name,
    description,
    read_only: false,
    ends_turn: true,
    facts,
    input: Submit,
    subject: () => '',
    async run({ summary, files }, context) {
      await requireFiles(files, context);
      return { content: 'handed on', result: { files }, turn_end: { kind: 'submitted', summary } };
    },
  });

/** The tools that end a turn: work handed on, or a decision on it. The workspace is archived with each. */
export const TURN_TOOLS = [
  submitTool(
    'submit_engineering_plan',
    'Hands the plan on. Name engineering_plan.md and what belongs to it.',
    ({ result }) => {
      const named = Array.isArray(result['files']) ? result['files'] : [];
      const files = named.filter((path) => typeof path === 'string');
      const plan_path = files.find((path) => path.endsWith('engineering_plan.md')) ?? files[0] ?? '';
      return [{ type: 'plan_submission_engineer', payload: { plan_path } }];
    },
  ),
  submitTool('submit_for_review', 'Hands the implemented solution to the reviewer.'),
  defineTool({
    name: 'finish',
    description: 'Ends your review with a decision.',
    kind: 'review',
    read_only: false,
    ends_turn: true,
    input: Finish,
    subject: ({ decision }) => textOf(decision),
    async run({ decision, reason, review_path }, context) {
      await requireFiles([review_path], context);
      return {
        content: `${decision}: ${reason}`,
        result: { review_path },
        turn_end: { kind: 'reviewed', decision, reason },
      };
    },
  }),
];
