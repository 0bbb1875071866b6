import { expect, test } from 'vitest';
import { createAgents } from '../../../src/agents/agents.ts';
import { createRegistry } from '../../../src/agents/tools/registry.ts';

const { list: listAgents } = createAgents(new Map());

const registry = createRegistry();
const ROLES = listAgents().flatMap(({ name, roles }) => roles.map((role) => [name, role.name, role] as const));

test.each(ROLES)('%s: %s is told what may move the payload, once', (_team, _name, { prompt, tools }) => {
  const told = [prompt, ...tools.map((tool) => registry.get(tool)?.description ?? '')].join('\n');
  expect(told.split('PAYLOAD_DRIVEN')).toHaveLength(2);
});
