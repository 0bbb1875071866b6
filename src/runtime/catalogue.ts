import type { Agents } from '../agents/agents.ts';
import { findEndpointModel } from '../agents/models/models.ts';
import { listScripts } from '../agents/scripts/scripts.ts';
import { createRegistry, describeTool } from '../agents/tools/registry.ts';
import type { Tool } from '../agents/tools/tool.ts';
import { AppError } from '../errors.ts';
import type { Catalogue } from '../schemas/catalogue.ts';
import type { Config } from '../config/config.ts';

/** What episodes can be started with in a deployment of this configuration. */
export function createCatalogue(configured: Config['models'], agents: Agents): Catalogue {
  const scripts = listScripts().map(({ name, description }) => ({ name, description }));
  return {
    agents: agents.list().map(({ name, description, roles, review_rounds_max }) => ({
      name,
      description,
      roles: roles.map((role) => ({ name: role.name, tools: [...role.tools], on_reject: role.on_reject ?? null })),
      review_rounds_max,
    })),
    tools: [...createRegistry().values(), ...ownTools(agents)].map((tool) => {
      const { name, description, parameters } = describeTool(tool).function;
      return { name, description, kind: tool.kind, read_only: tool.read_only, input: parameters };
    }),
    models: [
      { name: 'scripted', description: `Plays the script ${scripts[0]?.name}; scripted:NAME plays another one` },
      { name: 'scripted:transcript', description: 'Plays the transcript among the inputs, /transcript.json' },
      ...modelsOf(configured),
    ],
    scripts,
  };
}

/** What episodes can think with at the configured endpoints. */
function modelsOf(models: Config['models']): Catalogue['models'] {
  const chosen = models.default === undefined ? undefined : findEndpointModel(models.default, models);
  const sayWhere = ({ name, endpoint }: { name: string; endpoint: string }) => `${name}, at the endpoint ${endpoint}`;
  return [
    ...(chosen ? [{ name: 'default', description: sayWhere(chosen) }] : []),
    ...Object.entries(models.named).map(([name, model]) => ({ name, description: sayWhere(model) })),
    ...Object.keys(models.endpoints).map((endpoint) => ({
      name: `${endpoint}:NAME`,
      description: `Any other model of the endpoint ${endpoint}, by its name there`,
    })),
  ];
}

/** Throws failed_precondition that names the tools there are, unless every tool to be approved is one: a slip would ask nobody. */
export function checkApprovals(approvals: Record<string, unknown>, agents: Agents): void {
  const tools = new Set([...createRegistry().keys(), ...ownTools(agents).map(({ name }) => name)]);
  if (Object.keys(approvals).every((name) => tools.has(name))) return;
  throw new AppError('failed_precondition', `approvals name a tool that is none: there is ${[...tools].join(', ')}`);
}

/** The tools that agents of one's own bring, each name once. */
function ownTools(agents: Agents): Tool[] {
  const brought = agents.list().flatMap(({ own }) => [...(own?.brought.values() ?? [])].map(({ tool }) => tool));
  return [...new Map(brought.map((tool) => [tool.name, tool])).values()];
}
