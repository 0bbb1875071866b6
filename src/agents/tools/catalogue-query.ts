import type { CatalogueCategory, CataloguePart } from './catalogue-parts.ts';

/** A figure of a part that a query may bound. */
export type Quantity = 'torque_nm' | 'price_usd' | 'weight_g' | 'speed_rpm';

/** One bound of a query, in the catalogue's own unit. */
export type Bound = { quantity: Quantity; comparison: '>=' | '>' | '<=' | '<'; value: number };

/** What a query asks for: words a part must have, categories named by them, bounds it must keep, and words no part has. */
export type CatalogueQuery = {
  words: string[];
  categories: CatalogueCategory[];
  bounds: Bound[];
  unknown_words: string[];
};

/** How comparisons may be written, in the order in which they are looked for. */
const COMPARISONS: readonly [RegExp, Bound['comparison']][] = [
  [/^(?:>=|≥|=>|at least|min(?:imum)?|from)$/, '>='],
  [/^(?:<=|≤|=<|at most|up to|max(?:imum)?|to)$/, '<='],
  [/^(?:>|over|above|more than)$/, '>'],
  [/^(?:<|under|below|less than|cheaper than|lighter than)$/, '<'],
];
const COMPARISON = COMPARISONS.map(([{ source }]) => source.slice('^(?:'.length, -')$'.length)).join('|');

/** Units, what they measure, and their size in the catalogue's unit. Longer spellings come before their beginnings. */
const UNITS: readonly [spelling: string, quantity: Quantity, factor: number][] = [
  ['kgf?[·*. -]?cm', 'torque_nm', 0.0980665],
  ['n[·*. -]?cm', 'torque_nm', 0.01],
  ['mn[·*. -]?m', 'torque_nm', 0.001],
  ['n[·*. -]?m', 'torque_nm', 1],
  ['usd|dollars?|\\$', 'price_usd', 1],
  ['rpm', 'speed_rpm', 1],
  ['kg', 'weight_g', 1000],
  ['grams?|g', 'weight_g', 1],
];
const UNIT = UNITS.map(([spelling]) => spelling).join('|');
const BOUND = new RegExp(`(?:(${COMPARISON})\\s*)?(\\$)?\\s*(\\d+(?:\\.\\d+)?)\\s*(${UNIT})?(?![\\w.])`, 'giu');

/** A number with a unit and no comparison asks for at least that torque or speed, and at most that price or weight. */
const BARE: Record<Quantity, Bound['comparison']> = {
  torque_nm: '>=',
  speed_rpm: '>=',
  price_usd: '<=',
  weight_g: '<=',
};

/** Words that the catalogue spells or calls otherwise. */
const SYNONYMS: Record<string, string> = {
  aluminium: 'aluminum',
  bolt: 'screw',
  plywood: 'birch',
  plexiglas: 'acrylic',
};

/** Words that say nothing about a part. */
const FILLERS = new Set(['a', 'an', 'the', 'and', 'or', 'with', 'for', 'of', 'in', 'on', 'at', 'any', 'part', 'parts']);

/** What a text in plain words asks the catalogue for, such as "servo >=1.5 N·m under $20". */
export function readQuery(text: string, parts: readonly CataloguePart[]): CatalogueQuery {
  const bounds: Bound[] = [];
  const rest = text.replace(BOUND, (found, ...groups: (string | undefined)[]) => {
    const bound = boundOf(groups);
    if (!bound) return found; // a number without a unit is part of a name: "M3 x 10"
    bounds.push(bound);
    return ' ';
  });
  const asked = wordsOf(rest)
    .filter((word) => !FILLERS.has(word))
    .map((word) => SYNONYMS[word] ?? word);
  const isKnown = (word: string) => parts.some((part) => hasWord(part, word));
  const categories = new Set(parts.map(({ category }) => category));
  return {
    words: asked.filter(isKnown),
    categories: [...categories].filter((category) => wordsOf(category).every((word) => asked.includes(word))),
    bounds,
    unknown_words: asked.filter((word) => !isKnown(word)),
  };
}

/**
 * The parts that have every word and keep every bound, the cheapest first. A part without a bounded figure is none. Where
 * the words name a category and it has such parts, only they count: a servo's horn is no servo.
 */
export function searchParts(query: CatalogueQuery, parts: readonly CataloguePart[]): CataloguePart[] {
  const { words, categories, bounds } = query;
  if (words.length === 0 && bounds.length === 0) return [];
  const found = parts
    .filter((part) => words.every((word) => hasWord(part, word)) && bounds.every((bound) => keeps(part, bound)))
    .toSorted((a, b) => a.price_usd - b.price_usd || (a.part_number < b.part_number ? -1 : 1));
  const ofCategory = found.filter(({ category }) => categories.includes(category));
  return ofCategory.length > 0 ? ofCategory : found;
}

function boundOf([comparison, dollar, digits, unit]: (string | undefined)[]): Bound | undefined {
  const found = UNITS.find(([spelling]) => new RegExp(`^(?:${spelling})$`, 'iu').test(unit ?? dollar ?? ''));
  if (!found) return undefined;
  const [, quantity, factor] = found;
  const written = comparison?.toLowerCase();
  const [, compared] = COMPARISONS.find(([pattern]) => written !== undefined && pattern.test(written)) ?? [];
  return { quantity, comparison: compared ?? BARE[quantity], value: Number(digits) * factor };
}

function keeps(part: CataloguePart, { quantity, comparison, value }: Bound): boolean {
  const figure = part[quantity];
  if (figure === undefined) return false;
  if (comparison === '>=') return figure >= value;
  if (comparison === '>') return figure > value;
  return comparison === '<=' ? figure <= value : figure < value;
}

/** Whether one of the part's words begins with this word: "bear" and "bearings" find a bearing. */
function hasWord({ part_number, category, description }: CataloguePart, word: string): boolean {
  return wordsOf(`${part_number} ${category} ${description}`).some((own) => own.startsWith(word));
}

/** The words of a text, lower-case, camel case taken apart, plurals as singulars. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}.]+/u)
    .map((word) => word.replace(/^\.+|\.+$/g, '').replace(/(?<=[a-z]{3})s$/, ''))
    .filter((word) => word !== '');
}
