import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { transferFile } from '../../../../src/agents/scripts/transfer-files.ts';
import { parseAssembly } from '../../../../src/agents/tools/costing-assembly.ts';
import { validateCostingAndPrice } from '../../../../src/agents/tools/costing.ts';
import { createWorkbench } from './tool-context.ts';

const BENCHMARK = readFileSync(
  join(import.meta.dirname, '../../../../examples/sideways-transfer/benchmark_definition.yaml'),
  'utf8',
);
const ASSEMBLY = transferFile('assembly_definition.yaml');

/** What the tool says of the demo's assembly after a change to its text. */
async function validate(change: (yaml: string) => string) {
  const text = change(ASSEMBLY);
  await using bench = await createWorkbench({ '/benchmark_definition.yaml': BENCHMARK });
  await bench.files.write('/assembly_definition.yaml', text);
  const { content, result } = await bench.call(validateCostingAndPrice, {});
  const violations = result?.['violations'] as { code: string; subject: string; message: string }[];
  return { content, result, codes: violations.map(({ code, subject }) => `${code} ${subject}`), used: bench.used };
}

test('the demo assembly is valid: its sums are those of boxes, densities and the catalogue', async () => {
  const { content, result, codes, used } = await validate((yaml) => yaml);
  expect(codes).toEqual([]);
  expect(result).toMatchObject({
    valid: true,
    cost_usd: 62.5,
    weight_g: 1522.8,
    limit_cost_usd: 85,
    limit_weight_g: 1600,
  });
  // 98 × 17 × 1 cm of aluminum at 2.7 g/cm³, 18 % of it there.
  expect(result?.['parts']).toContainEqual({ name: 'base_plate', cost_usd: 15.5, weight_g: 809.7 });
  expect(content).toMatch(/^Valid: 62\.50 of 85\.00 USD, 1522\.8 of 1600 g\.\n/);
  expect(used).toEqual(['/assembly_definition.yaml']);
});

test.each<[what: string, change: (yaml: string) => string, codes: string[]]>([
  [
    'a solid plate is too heavy',
    (yaml) => yaml.replace('fill: 0.18, ', ''),
    ['TOTAL_MISMATCH total_weight_g', 'WEIGHT_OVER_LIMIT assembly'],
  ],
  [
    'a golden tray is too dear',
    (yaml) =>
      yaml.replace('cost_usd: 9.00', 'cost_usd: 39.00').replace('total_cost_usd: 62.50', 'total_cost_usd: 92.50'),
    ['COST_OVER_LIMIT assembly'],
  ],
  [
    'a material without density',
    (yaml) => yaml.replace('aluminum_6061', 'constructor'),
    ['UNKNOWN_MATERIAL base_plate', 'TOTAL_MISMATCH total_weight_g'],
  ],
  [
    'a servo cheaper than in the catalogue',
    (yaml) =>
      yaml.replace('cost_usd: 18.50', 'cost_usd: 8.50').replace('total_cost_usd: 62.50', 'total_cost_usd: 52.50'),
    ['CATALOGUE_MISMATCH ServoMotor_DS3218', 'TOTAL_MISMATCH total_cost_usd'],
  ],
  [
    'a servo stronger than in the catalogue',
    (yaml) => yaml.replace('1.96', '3.00'),
    ['CATALOGUE_MISMATCH ServoMotor_DS3218'],
  ],
  [
    'a part that cannot be bought',
    (yaml) => yaml.replace('ServoMotor_DS3218', 'ServoMotor_X'),
    ['UNKNOWN_PART ServoMotor_X'],
  ],
  ['a name twice', (yaml) => yaml.replace('name: goal_tray', 'name: roller_bed'), ['DUPLICATE_NAME roller_bed']],
  ['a total that is not the sum', (yaml) => yaml.replace('62.50', '60.00'), ['TOTAL_MISMATCH total_cost_usd']],
])('%s: each violation is named', async (_what, change, codes) => {
  const { content, result, codes: found } = await validate(change);
  expect(found).toEqual(codes);
  expect(result).toMatchObject({ valid: false });
  expect(content).toMatch(new RegExp(`^Not valid, ${codes.length} violations?: `));
  for (const code of codes) expect(content).toContain(`${code}: `);
});

test('quantities multiply cost and weight', async () => {
  const bearings = 'cots:\n  - { name: BallBearing_608_2RS, cost_usd: 1.20, quantity: 4 }\n';
  const { result } = await validate((yaml) => yaml.replace('total_cost_usd: 62.50\ntotal_weight_g: 1523\n', bearings));
  expect(result).toMatchObject({ valid: true, cost_usd: 67.3, weight_g: 1570.8 });
});

test('the limits are the input benchmark, whatever the workspace says', async () => {
  await using bench = await createWorkbench({ '/benchmark_definition.yaml': BENCHMARK });
  await bench.files.write('/assembly_definition.yaml', ASSEMBLY.replace('fill: 0.18, ', ''));
  await bench.files.write('/benchmark_definition.yaml', BENCHMARK.replace('max_weight_g: 1600', 'max_weight_g: 16000'));
  expect((await bench.call(validateCostingAndPrice, {})).result).toMatchObject({ valid: false, limit_weight_g: 1600 });
});

test.each([
  ['an unknown member', ASSEMBLY.replace('units: mm', 'units: mm\ncolor: red'), /color/],
  ['a fill above 1', ASSEMBLY.replace('fill: 0.18', 'fill: 1.8'), /parts\.0\.fill/],
  ['another unit', ASSEMBLY.replace('units: mm', 'units: inch'), /units/],
  ['an alias', 'assembly: &a x\nunits: *a', /alias/i],
  ['no YAML', '{', /malformed/],
])('%s is refused with its place', (_what, text, message) => {
  expect(() => parseAssembly(text)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(message) }),
  );
});

test('a definition of more than 64 kB is refused unread', () => {
  expect(() => parseAssembly(`# ${'x'.repeat(70_000)}`)).toThrow(
    expect.objectContaining({ code: 'resource_exhausted' }),
  );
});
