import { parse } from 'yaml';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { Benchmark } from '../../schemas/simulation.ts';
import type { CataloguePart } from './catalogue-parts.ts';
import { DENSITY_G_CM3 } from './costing-materials.ts';

/** An assembly definition takes a few kilobytes; more is a mistake or an attack on the parser. */
const ASSEMBLY_CHARS_MAX = 64 * 1024;
const PARTS_MAX = 200;
const MM3_PER_CM3 = 1000;
/** Prices are whole cents; weights of catalogue parts are given to a tenth of a gram. */
const CENT_USD = 0.005;
const TENTH_G = 0.05;
const TORQUE_NM = 0.005;

const Name = z.string().min(1).max(100);
const Usd = z.number().min(0).max(1_000_000);
const Grams = z.number().min(0).max(1_000_000);
const SizeMm = z.number().positive().max(10_000);
const Quantity = z.number().int().min(1).max(1_000).default(1);

/** A part that is made: its bounding box in mm, and the share of the box that is material. */
const MadePart = z.strictObject({
  name: Name,
  size: z.tuple([SizeMm, SizeMm, SizeMm]),
  material: Name,
  fill: z.number().positive().max(1).default(1),
  cost_usd: Usd,
  quantity: Quantity,
});
/** A part that is bought, by its number in the catalogue. */
const BoughtPart = z.strictObject({
  name: Name,
  cost_usd: Usd,
  mass_g: Grams.optional(),
  torque_nm: z.number().positive().optional(),
  drives: Name.optional(),
  quantity: Quantity,
});

/** `assembly_definition.yaml` as planners write it. The totals are what the planner claims; they are held against the sums. */
export const AssemblyDefinition = z.strictObject({
  assembly: Name,
  units: z.literal('mm'),
  parts: z.array(MadePart).max(PARTS_MAX),
  actuators: z.array(BoughtPart).max(PARTS_MAX).default([]),
  cots: z.array(BoughtPart).max(PARTS_MAX).default([]),
  total_cost_usd: Usd.optional(),
  total_weight_g: Grams.optional(),
});
export type AssemblyDefinition = z.infer<typeof AssemblyDefinition>;

/** Something in an assembly that does not hold, in words for its author. */
export type Violation = { code: ViolationCode; subject: string; message: string };
type ViolationCode =
  | 'COST_OVER_LIMIT'
  | 'WEIGHT_OVER_LIMIT'
  | 'TOTAL_MISMATCH'
  | 'UNKNOWN_MATERIAL'
  | 'UNKNOWN_PART'
  | 'CATALOGUE_MISMATCH'
  | 'DUPLICATE_NAME';

/** The price and weight of an assembly, in US dollars and grams, part by part (all pieces together), and what is wrong with it. */
export type Costing = {
  cost_usd: number;
  weight_g: number;
  parts: { name: string; cost_usd: number; weight_g: number }[];
  violations: Violation[];
};

/** An assembly definition from its YAML text. Throws `invalid_argument` that names the member that is wrong. */
export function parseAssembly(text: string): AssemblyDefinition {
  if (text.length > ASSEMBLY_CHARS_MAX)
    throw new AppError('resource_exhausted', `the assembly definition exceeds ${ASSEMBLY_CHARS_MAX} characters`);
  const parsed = AssemblyDefinition.safeParse(readYaml(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(`${issue?.path.join('.') || 'document'}: ${issue?.message ?? 'is malformed'}`, parsed.error);
}

/** Sums an assembly up and holds it against the catalogue and the benchmark's limits. */
export function costAssembly(
  assembly: AssemblyDefinition,
  { limits, findPart }: { limits: Benchmark['limits']; findPart: (number: string) => CataloguePart | undefined },
): Costing {
  const bought = [...assembly.actuators, ...assembly.cots];
  const violations: Violation[] = duplicates([...assembly.parts, ...bought].map(({ name }) => name));
  const made = assembly.parts.map(({ name, size, material, fill, cost_usd, quantity }) => {
    const density = Object.hasOwn(DENSITY_G_CM3, material) ? DENSITY_G_CM3[material] : undefined;
    if (density === undefined) {
      const known = Object.keys(DENSITY_G_CM3).join(', ');
      violations.push({ code: 'UNKNOWN_MATERIAL', subject: name, message: `${material} is none of ${known}` });
    }
    const volume_cm3 = size.reduce((product, side) => product * side, 1) / MM3_PER_CM3;
    return { name, cost_usd: cost_usd * quantity, weight_g: volume_cm3 * fill * (density ?? 0) * quantity };
  });
  const purchases = bought.map((item) => {
    const part = findPart(item.name);
    violations.push(...againstCatalogue(item, part));
    return {
      name: item.name,
      cost_usd: (part?.price_usd ?? item.cost_usd) * item.quantity,
      weight_g: (part?.weight_g ?? item.mass_g ?? 0) * item.quantity,
    };
  });
  const parts = [...made, ...purchases].map(({ name, cost_usd, weight_g }) => ({
    name,
    cost_usd: cents(cost_usd),
    weight_g: tenths(weight_g),
  }));
  const cost_usd = cents(parts.reduce((sum, part) => sum + part.cost_usd, 0));
  const weight_g = tenths(parts.reduce((sum, part) => sum + part.weight_g, 0));
  violations.push(...againstTotals(assembly, { cost_usd, weight_g }), ...againstLimits(limits, { cost_usd, weight_g }));
  return { cost_usd, weight_g, parts, violations };
}

function againstCatalogue(item: AssemblyDefinition['cots'][number], part: CataloguePart | undefined): Violation[] {
  if (!part)
    return [
      { code: 'UNKNOWN_PART', subject: item.name, message: 'the catalogue has no such part: search_cots_catalog' },
    ];
  const claims = [
    { what: 'cost_usd', claimed: item.cost_usd, true: part.price_usd, within: CENT_USD },
    { what: 'mass_g', claimed: item.mass_g, true: part.weight_g, within: TENTH_G },
    { what: 'torque_nm', claimed: item.torque_nm, true: part.torque_nm ?? 0, within: TORQUE_NM },
  ];
  return claims.flatMap(({ what, claimed, true: known, within }) =>
    claimed === undefined || Math.abs(claimed - known) < within
      ? []
      : [mismatch('CATALOGUE_MISMATCH', item.name, `${what} is ${claimed}, in the catalogue ${known}`)],
  );
}

type Totals = Pick<Costing, 'cost_usd' | 'weight_g'>;

function againstTotals(
  { total_cost_usd, total_weight_g }: AssemblyDefinition,
  { cost_usd, weight_g }: Totals,
): Violation[] {
  const violations: Violation[] = [];
  if (total_cost_usd !== undefined && Math.abs(total_cost_usd - cost_usd) >= CENT_USD)
    violations.push(mismatch('TOTAL_MISMATCH', 'total_cost_usd', `it says ${total_cost_usd}, the sum is ${cost_usd}`));
  // A planner rounds weights to grams.
  if (total_weight_g !== undefined && Math.abs(total_weight_g - weight_g) > 1)
    violations.push(mismatch('TOTAL_MISMATCH', 'total_weight_g', `it says ${total_weight_g}, the sum is ${weight_g}`));
  return violations;
}

function againstLimits(limits: Benchmark['limits'], { cost_usd, weight_g }: Totals): Violation[] {
  const violations: Violation[] = [];
  if (cost_usd > limits.cost_usd)
    violations.push(
      mismatch('COST_OVER_LIMIT', 'assembly', `${cost_usd} USD is above the limit of ${limits.cost_usd} USD`),
    );
  if (weight_g > limits.weight_g)
    violations.push(
      mismatch('WEIGHT_OVER_LIMIT', 'assembly', `${weight_g} g is above the limit of ${limits.weight_g} g`),
    );
  return violations;
}

function duplicates(names: string[]): Violation[] {
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => mismatch('DUPLICATE_NAME', name, 'the name occurs twice: use quantity'));
}

function readYaml(text: string): unknown {
  try {
    // No aliases: a definition needs none, and they let a few bytes stand for many.
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error), error);
  }
}

const malformed = (message: string, cause: unknown) =>
  new AppError('invalid_argument', `the assembly definition is malformed: ${message}`, { cause });
const mismatch = (code: ViolationCode, subject: string, message: string): Violation => ({ code, subject, message });
const cents = (usd: number) => Math.round(usd * 100) / 100;
const tenths = (grams: number) => Math.round(grams * 10) / 10;
