import { z } from 'zod';
import { askPerson } from './ask-person.ts';
import { searchCotsCatalog } from './catalogue.ts';
import { executeCommand } from './command.ts';
import { validateCostingAndPrice } from './costing.ts';
import { FILE_TOOLS } from './files.ts';
import { inspectMedia } from './inspect-media.ts';
import type { Tool } from './tool.ts';
import { simulate } from './simulate.ts';
import { TURN_TOOLS } from './turn.ts';

/** Every tool that agents may be given, by name. */
export function createRegistry(): ReadonlyMap<string, Tool> {
  const own = [executeCommand, searchCotsCatalog, validateCostingAndPrice, simulate, inspectMedia, askPerson];
  return new Map([...FILE_TOOLS, ...own, ...TURN_TOOLS].map((tool) => [tool.name, tool]));
}

/** The names of the tools that end a turn: what they say is shown to every role. */
export const turnEndingTools = (): string[] => TURN_TOOLS.filter(({ ends_turn }) => ends_turn).map(({ name }) => name);

/** A tool as model endpoints are sent it: OpenAI's function format, its parameters as JSON Schema. */
export function describeTool({ name, description, input }: Tool) {
  const parameters = z.toJSONSchema(input, { io: 'input' });
  return { type: 'function' as const, function: { name, description, parameters } };
}
