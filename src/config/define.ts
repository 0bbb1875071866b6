import type { z } from 'zod';
import type { OwnAgentInput, OwnTool } from '../schemas/own-agent.ts';
import type { Options } from './options.ts';

/** What one writes into `observatory.config.ts`: `export default defineConfig({ … })`, so that the editor knows its members. */
export const defineConfig = (options: z.input<typeof Options>): z.input<typeof Options> => options;

/** An agent of one's own for `agents`: a LangGraph graph, what it is told, and how it ends. */
export const defineAgent = (agent: OwnAgentInput): OwnAgentInput => agent;

/** A tool of one's own for an agent's `tools`: `run` gets the arguments as `input` types them. */
export const defineTool = <Input extends z.ZodObject>(tool: OwnTool<Input>): OwnTool => tool;
