import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { defineTool } from './tool.ts';

const AskPerson = z.strictObject({
  question: z.string().min(1).max(4_000),
  choices: z
    .array(z.string().min(1).max(200))
    .max(20)
    .default([])
    .describe('answers to choose from, where there are any'),
});

/** The tool that asks a person. The workflow waits for the answer, for days if need be, and holds no process meanwhile. */
export const askPerson = defineTool({
  name: 'ask_person',
  description: 'Asks a person and waits for the answer. Use it only for what you cannot find out or decide yourself.',
  kind: 'human',
  read_only: false,
  input: AskPerson,
  subject: () => '',
  run: () => Promise.reject(new AppError('internal', 'a question is answered by a person, not run')),
});
