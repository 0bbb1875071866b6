import { AppError } from '../../errors.ts';

/** Characters of a pattern, and plain patterns that its braces may stand for: bounds on the work of one match. */
const PATTERN_LENGTH_MAX = 512;
const ALTERNATIVES_MAX = 64;

/**
 * A matcher for relative paths (`a/b.py`): `*` and `?` within a name, `**` for any folders, `[a-z]`, `[!x]`, `{a,b}`,
 * backslash for the next character as it is. Names with a leading dot are like any other. Runs in time polynomial in
 * pattern and path, whatever the pattern. Throws invalid_argument for a pattern that is empty, too long or has `..`.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  if (pattern.length === 0 || pattern.length > PATTERN_LENGTH_MAX) {
    throw new AppError('invalid_argument', `A glob pattern has 1 to ${PATTERN_LENGTH_MAX} characters.`);
  }
  const alternatives = expandBraces(pattern).map((plain) =>
    plain.split('/').filter((segment, index) => segment !== '.' && (segment !== '' || index > 0)),
  );
  if (alternatives.some((segments) => segments.includes('..'))) {
    throw new AppError('invalid_argument', 'A glob pattern cannot go up by "..": name the folder to search instead.');
  }
  const compiled = alternatives.map((segments) =>
    segments.map((segment) => (segment === '**' ? ANY_DEPTH : tokens(segment))),
  );
  return (path) => {
    const names = path.split('/').map((name) => Array.from(name));
    return compiled.some((segments) => matchPath(segments, names));
  };
}

type Token = string | { any: 'one' | 'many' } | { negated: boolean; ranges: [string, string][] };
const ANY_DEPTH = Symbol('**');
type Segment = Token[] | typeof ANY_DEPTH;

function matchPath(segments: Segment[], names: string[][]): boolean {
  return matchWildcards(segments, names, {
    isMany: (segment) => segment === ANY_DEPTH,
    matchesOne: (segment, name) => segment !== ANY_DEPTH && matchWildcards(segment, name, NAME_RULES),
  });
}

const NAME_RULES = {
  isMany: (token: Token) => typeof token === 'object' && 'any' in token && token.any === 'many',
  matchesOne: (token: Token, char: string) => {
    if (typeof token === 'string') return token === char;
    if ('any' in token) return true;
    return token.ranges.some(([low, high]) => low <= char && char <= high) !== token.negated;
  },
};

/** Greedy matching with one step back to the last wildcard: the same for characters of a name and for names of a path. */
function matchWildcards<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  rules: { isMany: (part: P) => boolean; matchesOne: (part: P, item: I) => boolean },
): boolean {
  let at = 0;
  let item = 0;
  let lastMany = -1;
  let resume = 0;
  while (item < items.length) {
    const part = pattern[at];
    if (part !== undefined && rules.isMany(part)) {
      lastMany = at++;
      resume = item;
    } else if (part !== undefined && rules.matchesOne(part, items[item] as I)) {
      at++;
      item++;
    } else if (lastMany >= 0) {
      at = lastMany + 1;
      item = ++resume;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every(rules.isMany);
}

function tokens(segment: string): Token[] {
  const chars = Array.from(segment);
  const result: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string;
    const close = char === '[' ? chars.indexOf(']', chars[i + 1] === '!' || chars[i + 1] === '^' ? i + 3 : i + 2) : -1;
    if (char === '*') result.push({ any: 'many' });
    else if (char === '?') result.push({ any: 'one' });
    else if (close > 0) {
      result.push(characterClass(chars.slice(i + 1, close)));
      i = close;
    } else if (char === '\\' && i + 1 < chars.length) result.push(chars[++i] as string);
    else result.push(char);
  }
  return result;
}

function characterClass(inner: string[]): Token {
  const negated = inner[0] === '!' || inner[0] === '^';
  const chars = negated ? inner.slice(1) : inner;
  const ranges: [string, string][] = [];
  for (let i = 0; i < chars.length; i++) {
    const low = chars[i] as string;
    const high = chars[i + 1] === '-' ? chars[i + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) i += 2;
  }
  return { negated, ranges };
}

/** The patterns that `{a,b}` groups stand for, nested ones too. A brace without a partner or a comma stands for itself. */
function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const group = firstGroup(next);
    if (group === undefined) done.push(next);
    else open.push(...group);
    if (done.length + open.length > ALTERNATIVES_MAX) {
      throw new AppError('invalid_argument', `The braces of a glob stand for at most ${ALTERNATIVES_MAX} patterns.`);
    }
  }
  return done;
}

function firstGroup(pattern: string): string[] | undefined {
  for (let start = 0; start < pattern.length; start++) {
    if (pattern[start] === '\\') start++;
    else if (pattern[start] === '{') {
      const parts = splitGroup(pattern, start);
      if (parts) return parts;
    }
  }
  return undefined;
}

function splitGroup(pattern: string, start: number): string[] | undefined {
  const cuts = [start];
  let depth = 0;
  for (let i = start; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '{') depth++;
    else if (char === ',' && depth === 1) cuts.push(i);
    else if (char === '}' && --depth === 0) {
      if (cuts.length === 1) return undefined;
      cuts.push(i);
      const options = cuts.slice(1).map((cut, index) => pattern.slice((cuts[index] as number) + 1, cut));
      return options.map((option) => pattern.slice(0, start) + option + pattern.slice(i + 1));
    }
  }
  return undefined;
}
