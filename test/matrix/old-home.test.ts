// A home that an older build made, opened with this one. Every episode on record must stay usable: listed, shown, replayed, run
// again from its recorded answers, forked, rewound, reproduced, reconstructed, restored; and one that waited for a person
// while the builds were changed must go on. A home is made with the build of each commit of COMMITS, from git.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../support/api-process.ts';
import { checkOut, TODAY } from './build.ts';
import type { Build } from './build.ts';
import { createHome } from './home.ts';
import type { Home, Shown } from './home.ts';
import { FORKED_AT, recordEpisodes, REWOUND_TO } from './old-record.ts';
import type { OldRecord } from './old-record.ts';

/** Builds whose homes open. One is added when a release can record what no earlier one could. */
const COMMITS = ['446728c3106ef1c97309ecdda5d5736c28f41ec6'];

describe.each(COMMITS)('a home that build %s made', (commit) => {
  let home: Home;
  let build: Build;
  let old: OldRecord;
  let reads: Map<string, unknown>;

  beforeAll(async () => {
    home = await createHome();
    build = await checkOut(commit);
    await home.start(build);
    old = await recordEpisodes(home);
    reads = new Map();
    for (const { id } of Object.values(old)) for (const path of pathsOf(id)) reads.set(path, await home.get(path));
    for (const { id } of ended()) reads.set(coverageOf(id), await home.audited(id));
    await home.stop();
    await home.start(TODAY);
  }, 1_200_000);
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await build[Symbol.asyncDispose]();
  });

  /** A fork's logs and events began with its own; since then they begin with its parent's. */
  const isContinued = (path: string) => ['logs', 'events'].some((part) => path.endsWith(`/${old.forked.id}/${part}`));
  const ended = () => [old.demo, old.rejected, old.rewound, old.forked, old.rerun];

  test('lists and shows every episode as it was', async () => {
    const list = (await home.command('episodes', 'list')) as { items: { id: string }[] };
    expect(new Set(list.items.map(({ id }) => id))).toEqual(new Set(Object.values(old).map(({ id }) => id)));
    for (const episode of Object.values(old)) expect(await home.show(episode.id)).toMatchObject(lasting(episode));
    for (const [path, answer] of reads) {
      const now = await home.get(path);
      expect([path, isContinued(path) ? endOf(now, answer) : now]).toMatchObject([path, lasting(answer)]);
    }
  });

  test('replays every run with the workflow code of today', async () => {
    const { deterministic, runs } = (await home.command('replay', '--all')) as {
      deterministic: boolean;
      runs: { verdict: string }[];
    };
    expect(runs.filter(({ verdict }) => verdict !== 'deterministic')).toEqual([]);
    expect(deterministic).toBe(true);
    expect(runs.length).toBeGreaterThan(Object.keys(old).length); // the rewound one has two
  });

  test('runs every ended episode again from its recorded answers, without a miss', async () => {
    const ids = await Promise.all(ended().map(({ id }) => home.episode('episodes', 'rerun', id)));
    for (const [index, source] of ended().entries()) {
      const again = await home.ended(ids[index] ?? '');
      expect(again).toMatchObject({ terminal_reason: source.terminal_reason, recorded_miss: null });
      expect(again.steps.map(({ served_from }) => served_from)).toEqual(stepIds(source));
    }
  });

  test('goes on with the episode that waited for a person, to its end', async () => {
    const { id, steps } = old.waiting;
    await home.command('episodes', 'answer', id, 'three');
    await home.waiting(id);
    await home.command('episodes', 'approve', id, 'go on');
    const done = await home.ended(id);
    expect(done.terminal_reason).toBe('APPROVED');
    expect(done.steps.slice(0, steps.length).map((step) => step.id)).toEqual(stepIds(old.waiting));
    expect(done.steps.map(({ seq }) => seq)).toEqual(done.steps.map((_, index) => index + 1));
    expect(await home.command('replay', id)).toMatchObject({ deterministic: true });
  });

  test('forks and rewinds recorded episodes', async () => {
    const middle = old.demo.steps[Math.floor(old.demo.steps.length / 2)]?.seq ?? 0;
    const forks = await Promise.all([
      home.episode('episodes', 'fork', old.demo.id, '--step', String(middle)),
      home.episode('episodes', 'fork', old.forked.id, '--step', String(FORKED_AT), '--message', 'once more'),
    ]);
    for (const id of forks) expect(await home.ended(id)).toMatchObject({ terminal_reason: 'APPROVED' });
    const again = await home.rewound(old.rewound.id, REWOUND_TO);
    expect(again).toMatchObject({ terminal_reason: 'APPROVED', step_count: old.rewound.step_count });
    expect(stepIds(again).slice(0, REWOUND_TO)).toEqual(stepIds(old.rewound).slice(0, REWOUND_TO));
  });

  test('reproduces the recorded physics, hash by hash', async () => {
    for (const { id, steps } of [old.demo, old.rewound]) {
      const simulated = steps.filter(({ kind, status }) => kind === 'simulation' && status === 'ok');
      const step = simulated.at(-1)?.seq ?? 0;
      const { simulations } = (await home.command('reproduce', id, '--step', String(step))) as { simulations: unknown };
      expect(simulations).toEqual([expect.objectContaining({ seq: step, reproduced: true })]);
    }
  });

  test('writes files and conversations as they stood', async () => {
    const into = join(home.path, 'reconstructed');
    const { seq } = old.demo.steps.at(-1) ?? { seq: 0 };
    await home.command('reconstruct', old.demo.id, '--step', String(seq), '--into', into);
    expect(await readFile(join(into, 'workspace/scene.xml'), 'utf8')).toContain('<mujoco');
    const { roles } = JSON.parse(await readFile(join(into, 'conversation.json'), 'utf8')) as { roles: unknown[] };
    expect(roles).toHaveLength(new Set(old.demo.steps.map(({ agent }) => agent)).size);
  });

  test('restores the point, and the restored database serves after set-up', async () => {
    const [database, bucket] = ['restored_old', 'restored-old'];
    const restored = await home.command('restore', 'latest', '--database', database, '--bucket', bucket);
    expect(restored).toMatchObject({ status: 'complete', open_episodes: [old.waiting.id] });
    expect(await home.command('drill')).toMatchObject({ status: 'passed' });
    const { DATABASE_URL = '', ...own } = home.environment();
    const env = {
      ...own,
      DATABASE_URL: DATABASE_URL.replace(/[^/]+$/, database),
      S3_BUCKET_ARTIFACTS: bucket,
      TEMPORAL_TASK_QUEUE_PREFIX: 'restored-',
    };
    expect(await TODAY.run(['set-up'], env)).toMatchObject({ code: 0 });
    await using api = await startApi({ env });
    for (const { id, step_count } of Object.values(old)) {
      const { code, out } = await api.run(['episodes', 'show', id, '--json']);
      expect({ code, ...(JSON.parse(out) as object) }).toMatchObject({ code: 0, id, step_count });
    }
  });
});

const PARTS = ['steps', 'events', 'logs', 'artifacts', 'feedback'];
const pathsOf = (id: string) => PARTS.map((part) => `/v1/episodes/${id}/${part}`);
const coverageOf = (id: string) => `/v1/episodes/${id}/coverage`;
const stepIds = ({ steps }: Shown) => steps.map(({ id }) => id);

/** Members that say where a build listens, or that grow by looking: what replays, audits and reads add. */
const PASSING = new Set(['links', 'href', 'url', 'trace_url', 'replays', 'last_stream_seq', 'next_cursor', 'verdict']);

/** The list with as many of its last items as the one before had. */
function endOf(now: unknown, before: unknown): unknown {
  const [{ items, ...rest }, { items: had }] = [now, before] as [Page, Page];
  return { ...rest, items: items.slice(items.length - had.length) };
}
type Page = { items: unknown[] };

/** An answer without what may differ when the same record is asked again. */
function lasting<T>(value: T): T {
  if (Array.isArray(value)) return value.map(lasting) as T;
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([name]) => !PASSING.has(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, lasting(member)])) as T;
}
