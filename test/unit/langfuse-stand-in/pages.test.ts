import { expect, test } from 'vitest';
import { observationOf } from '../../../src/langfuse-stand-in/observation.ts';
import { tracePage } from '../../../src/langfuse-stand-in/pages.ts';
import type { StoredObservation } from '../../../src/langfuse-stand-in/store.ts';

const AT = '2026-01-02T03:04:05.000Z';

/** The page of observations that are given as id and parent. */
async function pageOf(family: [id: string, parent: string | null][]): Promise<string> {
  const rows: StoredObservation[] = family.map(([id, parent], row) => ({
    row,
    start_time: AT,
    received_at: AT,
    body: { ...observationOf([{ id, traceId: 't' }], AT), name: `name-${id}`, parentObservationId: parent },
  }));
  return String(await tracePage({ id: 't', rows, said: [], rows_max: 10_000 }));
}

const shown = (page: string) => [...page.matchAll(/<\/span> name-(\w+) /g)].map(([, id]) => id);

test('parents that name each other are shown, once each', async () => {
  const page = await pageOf([
    ['root', null],
    ['a', 'b'],
    ['b', 'a'],
    ['self', 'self'],
  ]);
  expect(new Set(shown(page))).toEqual(new Set(['a', 'b', 'root', 'self']));
});

test('a chain of thousands is shown whole, its nesting bounded', async () => {
  const chain = Array.from({ length: 5_000 }, (_, n): [string, string | null] => [`${n}`, n === 0 ? null : `${n - 1}`]);
  const page = await pageOf(chain);
  expect(shown(page)).toEqual(chain.map(([id]) => id));
  expect(page.split('<ul>').length - 1).toBe(100);
});
