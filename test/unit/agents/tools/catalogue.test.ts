import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CATALOGUE_PARTS, CATALOGUE_VERSION } from '../../../../src/agents/tools/catalogue-parts.ts';
import { readQuery, searchParts } from '../../../../src/agents/tools/catalogue-query.ts';
import { catalogueSnapshotId, searchCotsCatalog } from '../../../../src/agents/tools/catalogue.ts';
import { createWorkbench } from './tool-context.ts';

const search = (query: string) => searchParts(readQuery(query, CATALOGUE_PARTS), CATALOGUE_PARTS);
const numbers = (query: string) => search(query).map(({ part_number }) => part_number);

test('the catalogue has the servo of the demo, at least 25 parts, and no number twice', () => {
  expect(CATALOGUE_PARTS).toContainEqual(
    expect.objectContaining({ part_number: 'ServoMotor_DS3218', torque_nm: 1.96, weight_g: 60, price_usd: 18.5 }),
  );
  expect(CATALOGUE_PARTS.length).toBeGreaterThanOrEqual(25);
  expect(new Set(CATALOGUE_PARTS.map(({ part_number }) => part_number)).size).toBe(CATALOGUE_PARTS.length);
});

test.each([
  ['servo >=1.5 N·m under $20', ['ServoMotor_DS3218']],
  ['Servos of at least 20 kg·cm up to 25 USD', ['ServoMotor_DS3225']],
  ['servo under 10g', ['ServoMotor_SG90']],
  ['gear motor over 300 rpm', ['GearMotor_N20_100']],
  ['gear motors, torque > 2 Nm, less than 210 g', ['GearMotor_37D_70']],
  ['ball bearings below $1', ['BallBearing_MR105_ZZ', 'BallBearing_623_ZZ']],
  ['linear bearing', ['LinearBearing_LM8UU']],
  ['aluminium sheet', ['Sheet_AL6061_3_300x300']],
  ['bolts M3 x 10', ['Screw_M3x10_50']],
  ['DS3218', ['ServoMotor_DS3218']],
  ['servomotor_ds3218', ['ServoMotor_DS3218']],
])('"%s" finds %j, the cheapest first', (query, expected) => {
  expect(numbers(query)).toEqual(expected);
});

test.each([
  ['5 N·m', { quantity: 'torque_nm', comparison: '>=', value: 5 }],
  ['500 mNm', { quantity: 'torque_nm', comparison: '>=', value: 0.5 }],
  ['at most 50 N·cm', { quantity: 'torque_nm', comparison: '<=', value: 0.5 }],
  ['cheaper than 3 dollars', { quantity: 'price_usd', comparison: '<', value: 3 }],
  ['$12.50', { quantity: 'price_usd', comparison: '<=', value: 12.5 }],
  ['≤ 0.25 kg', { quantity: 'weight_g', comparison: '<=', value: 250 }],
  ['min 60 rpm', { quantity: 'speed_rpm', comparison: '>=', value: 60 }],
])('"%s" is read as %j', (query, bound) => {
  const { bounds, words } = readQuery(query, CATALOGUE_PARTS);
  expect(words).toEqual([]);
  expect(bounds).toEqual([{ ...bound, value: expect.closeTo(bound.value, 6) }]);
});

test('whatever is asked, every candidate keeps every bound', () => {
  const bound = fc.tuple(
    fc.constantFrom('>=', '<=', 'under', 'over'),
    fc.integer({ min: 1, max: 60 }),
    fc.constantFrom('USD' as const, 'g' as const, 'N·cm' as const),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('servo', 'motor', 'bearing', ''),
      fc.array(bound, { minLength: 1, maxLength: 3 }),
      (word, bounds) => {
        for (const part of search(`${word} ${bounds.map((one) => one.join(' ')).join(' and ')}`))
          for (const [comparison, value, unit] of bounds) {
            const figures = { USD: part.price_usd, g: part.weight_g, N·cm: (part.torque_nm ?? NaN) * 100 };
            const above = figures[unit] - value;
            expect(comparison === '>=' || comparison === 'over' ? above : -above).toBeGreaterThanOrEqual(-1e-6);
          }
      },
    ),
  );
});

test('a search tells candidates with their figures, and which state of the catalogue they come from', async () => {
  await using bench = await createWorkbench();
  const { content, result } = await bench.call(searchCotsCatalog, { query: 'servo >=1.5 N·m under $20' });
  expect(content).toContain('ServoMotor_DS3218: DSServo DS3218 digital servo');
  expect(content).toContain('$18.50 · 60 g · 1.96 N·m');
  expect(result).toMatchObject({
    query: 'servo >=1.5 N·m under $20',
    results_count: 1,
    catalog_version: CATALOGUE_VERSION,
    catalog_snapshot_id: expect.stringMatching(/^[0-9a-f]{64}$/),
    candidates: [{ part_number: 'ServoMotor_DS3218', price_usd: 18.5, weight_g: 60, torque_nm: 1.96 }],
  });
});

test('a search without result, and words that no part has, are said', async () => {
  await using bench = await createWorkbench();
  const none = await bench.call(searchCotsCatalog, { query: 'servo under $1' });
  expect(none.content).toContain('No part fits');
  const odd = await bench.call(searchCotsCatalog, { query: 'quantum servo' });
  expect(odd.content).toContain('Ignored, since no part has them: quantum');
  expect((await bench.call(searchCotsCatalog, { query: 'flux capacitor' })).result).toMatchObject({ results_count: 0 });
});

test('more candidates than are shown are counted', async () => {
  await using bench = await createWorkbench();
  const { content, result } = await bench.call(searchCotsCatalog, { query: 'under $100' });
  expect(result).toMatchObject({ results_count: CATALOGUE_PARTS.length });
  expect(result?.['candidates']).toHaveLength(10);
  expect(content).toContain(`… and ${CATALOGUE_PARTS.length - 10} more`);
});

test('the snapshot id changes with any figure, not with the order of members', () => {
  const [first, ...rest] = CATALOGUE_PARTS;
  if (!first) throw new Error('the catalogue is empty');
  const dearer = [{ ...first, price_usd: first.price_usd + 0.01 }, ...rest];
  const reordered = [Object.fromEntries(Object.entries(first).toReversed()) as typeof first, ...rest];
  expect(catalogueSnapshotId(dearer)).not.toBe(catalogueSnapshotId(CATALOGUE_PARTS));
  expect(catalogueSnapshotId(reordered)).toBe(catalogueSnapshotId(CATALOGUE_PARTS));
});
