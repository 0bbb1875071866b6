import { listAgents } from '../agents/agents.ts';
import { listScripts } from '../agents/scripts/scripts.ts';
import { createRegistry, describeTool } from '../agents/tools/registry.ts';
import { AppError } from '../errors.ts';
import type { Catalogue } from '../schemas/catalogue.ts';
import type { Config } from '../config/config.ts';

/** What episodes can be started with in a deployment of this configuration. */
export function createCatalogue(endpoint: Config['model']): Catalogue {
  const scripts = listScripts().map(({ name, description }) => ({ name, description }));
  return {
    agents: listAgents().map(({ name, description, roles, review_rounds_max }) => ({
      name,
      description,
      roles: roles.map((role) => ({ name: role.name, tools: [...role.tools], on_reject: role.on_reject ?? null })),
      review_rounds_max,
    })),
    tools: [...createRegistry().values()].map((tool) => {
      const { name, description, parameters } = describeTool(tool).function;
      return { name, description, kind: tool.kind, read_only: tool.read_only, input: parameters };
    }),
    models: [
      { name: 'scripted', description: `Plays the script ${scripts[0]?.name}; scripted:NAME plays another one` },
      { name: 'scripted:transcript', description: 'Plays the transcript among the inputs, /transcript.json' },
      ...(endpoint
        ? [
            { name: 'default', description: `${endpoint.name}, at the configured endpoint` },
            { name: 'openai:NAME', description: 'Any other model of the configured endpoint, by its name there' },
          ]
        : []),
    ],
    scripts,
  };
}

/** Throws failed_precondition that names the tools there are, unless every tool to be approved is one: a slip would ask nobody. */
export function checkApprovals(approvals: Record<string, unknown>): void {
  const tools = createRegistry();
  if (Object.keys(approvals).every((name) => tools.has(name))) return;
  throw new AppError(
    'failed_precondition',
    `approvals name a tool that is none: there is ${[...tools.keys()].join(', ')}`,
  );
}
