import { z } from 'zod';
import { CATALOGUE_PARTS, CATALOGUE_VERSION } from './catalogue-parts.ts';
import type { CataloguePart } from './catalogue-parts.ts';
import { readQuery, searchParts } from './catalogue-query.ts';
import { defineTool, objectsOf, pick, textOf } from './tool.ts';
import { sha256Of } from '../../identity.ts';

/** Candidates that one search shows; more are counted, and a narrower query finds them. */
const CANDIDATES_MAX = 10;

const SearchCatalog = z.strictObject({
  query: z
    .string()
    .min(1)
    .max(500)
    .describe('words, a category, and bounds on torque, price, weight or speed, such as "servo >=1.5 N·m under $20"'),
});

/** The tool that finds parts to buy; its result names the catalogue's state, so that a choice can be traced back to it. */
export const searchCotsCatalog = defineTool({
  name: 'search_cots_catalog',
  description:
    'Searches the catalogue of parts that can be bought (servos, motors, bearings, sheets, fasteners …), the cheapest first.',
  read_only: true,
  input: SearchCatalog,
  facts({ result }) {
    const found = pick(result, 'query', 'results_count', 'catalog_version', 'cots_query_id', 'catalog_snapshot_id');
    const candidates = objectsOf(result['candidates']).map((part) => part['part_number'] ?? null);
    return [{ type: 'cots_search', payload: { ...found, candidates, selected_part_ids: [] } }];
  },
  subject: ({ query }) => `"${textOf(query)}"`,
  async run({ query }, { step }) {
    const asked = readQuery(query, CATALOGUE_PARTS);
    const found = searchParts(asked, CATALOGUE_PARTS);
    const candidates = found.slice(0, CANDIDATES_MAX);
    const lines = candidates.map(lineOf);
    if (found.length === 0) lines.push('No part fits. Use fewer words or wider bounds.');
    if (found.length > candidates.length)
      lines.push(`… and ${found.length - candidates.length} more: narrow the query`);
    if (asked.unknown_words.length > 0)
      lines.push(`Ignored, since no part has them: ${asked.unknown_words.join(', ')}`);
    return {
      content: [`${found.length} found in catalogue ${CATALOGUE_VERSION}`, ...lines].join('\n'),
      result: {
        query,
        results_count: found.length,
        catalog_version: CATALOGUE_VERSION,
        catalog_snapshot_id: catalogueSnapshotId(CATALOGUE_PARTS),
        cots_query_id: step.id,
        candidates,
        categories: asked.categories,
        bounds: asked.bounds,
        ignored_words: asked.unknown_words,
      },
    };
  },
});

/** What identifies these parts with these figures: the SHA-256 of their canonical JSON and the catalogue's version. */
export function catalogueSnapshotId(parts: readonly CataloguePart[]): string {
  const rows = parts.map((part) => Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return sha256Of(JSON.stringify([CATALOGUE_VERSION, rows]));
}

function lineOf({ part_number, description, price_usd, weight_g, torque_nm, speed_rpm }: CataloguePart): string {
  const figures = [
    `$${price_usd.toFixed(2)}`,
    `${weight_g} g`,
    ...(torque_nm === undefined ? [] : [`${torque_nm} N·m`]),
    ...(speed_rpm === undefined ? [] : [`${speed_rpm} rpm`]),
  ];
  return `${part_number}: ${description} · ${figures.join(' · ')}`;
}
