import { z } from 'zod';
import { parseBenchmarkDefinition } from '../../simulation/benchmark-definition.ts';
import { CATALOGUE_VERSION, findPart } from './catalogue-parts.ts';
import { costAssembly, parseAssembly } from './costing-assembly.ts';
import { defineTool, objectsOf, PathArgument } from './tool.ts';
import type { Fact } from './tool.ts';

/** The limits are read from the episode's inputs, where no agent can raise them. */
const BENCHMARK_PATH = '/benchmark_definition.yaml';
const ASSEMBLY_PATH = '/assembly_definition.yaml';

const Costed = z.object({ cost_usd: z.number(), weight_g: z.number() });
const ValidateCosting = z.strictObject({ path: PathArgument.default(ASSEMBLY_PATH) });

/** The tool that sums up an assembly's cost and weight and names whatever breaks the benchmark's limits or the catalogue. */
export const validateCostingAndPrice = defineTool({
  name: 'validate_costing_and_price',
  description: `Computes the cost and weight of assembly_definition.yaml and checks them against the catalogue and the limits. The file: assembly (a name), units: mm, parts [{name, size: [x, y, z], material, fill, cost_usd, quantity}], actuators and cots [{name: the catalogue's number, cost_usd, mass_g, torque_nm, drives, quantity}], total_cost_usd, total_weight_g. A made part weighs its bounding box × the density of its material × fill (0 to 1).`,
  read_only: true,
  input: ValidateCosting,
  facts: ({ result }) =>
    objectsOf(result['parts']).flatMap(({ name }): Fact[] => {
      const part = typeof name === 'string' ? findPart(name) : undefined;
      if (!part) return []; // made, not bought
      const { category, part_number, description: label, price_usd: price, weight_g } = part;
      return [{ type: 'component_usage', payload: { category, part_number, label, price, weight_g } }];
    }),
  scores(result) {
    const { success, data } = Costed.safeParse(result);
    if (!success) return [];
    return [
      { name: 'cost_usd', value: data.cost_usd },
      { name: 'weight_g', value: data.weight_g },
    ];
  },
  subject: ({ path }) => (typeof path === 'string' ? path : ASSEMBLY_PATH),
  async run({ path }, { files, readInput, usedFile }) {
    const { limits } = parseBenchmarkDefinition(Buffer.from(await readInput(BENCHMARK_PATH)).toString('utf8'));
    const assembly = parseAssembly(Buffer.from(await files.readBytes(path)).toString('utf8'));
    usedFile(path);
    const { cost_usd, weight_g, parts, violations } = costAssembly(assembly, { limits, findPart });
    const valid = violations.length === 0;
    const verdict = valid ? 'Valid' : `Not valid, ${violations.length} violation${violations.length > 1 ? 's' : ''}`;
    const totals = `${cost_usd.toFixed(2)} of ${limits.cost_usd.toFixed(2)} USD, ${weight_g} of ${limits.weight_g} g`;
    const lines = [
      `${verdict}: ${totals}.`,
      ...violations.map(({ code, subject, message }) => `${code} ${subject}: ${message}`),
      ...parts.map((part) => `- ${part.name}: ${part.cost_usd.toFixed(2)} USD, ${part.weight_g} g`),
    ];
    return {
      content: lines.join('\n'),
      result: {
        valid,
        cost_usd,
        weight_g,
        parts,
        violations,
        limit_cost_usd: limits.cost_usd,
        limit_weight_g: limits.weight_g,
        catalog_version: CATALOGUE_VERSION,
      },
    };
  },
});
