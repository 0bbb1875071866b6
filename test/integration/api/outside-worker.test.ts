/** The example of a worker outside, run as its head says: Python's own library, over HTTP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { serve } from '@hono/node-server';
import { expect, test } from 'vitest';
import { createTestApi, OPERATOR, seedEpisode } from './test-api.ts';
import type { Loose } from './test-api.ts';

const WORKER = join(import.meta.dirname, '../../../examples/outside-worker/worker.py');

test('a Python worker stores an artifact and reports the agents’ events, twice, and they are there once', async () => {
  await using api = await createTestApi();
  const episode = await seedEpisode(api);
  const server = serve({ fetch: api.app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const worker = spawn('python3', ['-B', WORKER, episode.id], {
    env: { PATH: process.env['PATH'], OBSERVATORY_URL: `http://127.0.0.1:${port}`, OBSERVATORY_API_KEY: OPERATOR },
  });
  const [out, err, [code]] = await Promise.all([text(worker.stdout), text(worker.stderr), once(worker, 'exit')]);
  server.close();
  expect({ code, err }).toEqual({ code: 0, err: '' });

  const said: Loose = JSON.parse(out);
  expect(said.first.every((item: Loose) => item.status === 201)).toBe(true);
  expect(said.again.every((item: Loose) => item.replayed)).toBe(true);
  expect((await api.call(`/v1/artifacts/${said.artifact}/content`)).status).toBe(200);
  const { items } = await api.get(`/v1/episodes/${episode.id}/events`);
  expect(
    items.map(({ type, payload, attributes, sanitized }: Loose) => ({ type, payload, attributes, sanitized })),
  ).toEqual([
    {
      type: 'tool_invocation',
      payload: { tool_name: 'simulate', arguments: { scene: '/scene.xml', seed: null } },
      attributes: {},
      sanitized: false,
    },
    { type: 'run_command_tool', payload: { command: "printf 'a␀b'" }, attributes: {}, sanitized: true },
    {
      type: 'simulation_instability',
      payload: { instability_type: 'nan', part_ids: ['arm'] },
      attributes: { value: 'nan' },
      sanitized: false,
    },
    expect.objectContaining({ type: 'review_decision', sanitized: false }),
    expect.objectContaining({ type: 'simulation_result', sanitized: false }),
  ]);
  expect(items[0]).toMatchObject({ agent: 'engineer_coder', occurred_at: '2026-01-31T12:00:00.25Z' });
});
