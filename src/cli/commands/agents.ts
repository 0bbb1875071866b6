import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { CatalogueAnswer } from '../../client/client.ts';
import { findConnection } from '../connection.ts';
import { examples, print, printJson } from '../output.ts';

/** Adds `observatory agents`. */
export function registerAgents(program: Command, env: Environment): void {
  program
    .command('agents')
    .description('show what episodes can be started with: agents with their roles and tools, models, scripts')
    .option('--json', 'print one JSON object, with the JSON Schema of every tool')
    .addHelpText('after', examples('observatory agents', "observatory agents --json | jq '.tools[] | .name'"))
    .action(async ({ json }: { json?: true }) => {
      const catalogue = await bodyOf(createClient(findConnection(env)).v1.agents.$get());
      if (json) printJson(catalogue);
      else print(render(catalogue));
    });
}

function render({ agents, tools, models, scripts }: CatalogueAnswer): string {
  return [
    'Agents',
    ...agents.flatMap(({ name, description, roles }) => [
      `  ${name}: ${description}`,
      ...roles.map((role) => `    ${role.name}: ${role.tools.join(' ')}`),
    ]),
    '',
    'Tools',
    ...tools.map(({ name, description, read_only }) => `  ${name}${read_only ? ' (read-only)' : ''}: ${description}`),
    '',
    'Models',
    ...models.map(({ name, description }) => `  ${name}: ${description}`),
    '',
    'Scripts',
    ...scripts.map(({ name, description }) => `  scripted:${name}: ${description}`),
  ].join('\n');
}
