import type { SecretShape } from './secrets.ts';

type Found = { end: number; kept: string };

/** Three characters are looked at together, by a hash of so many bits. */
const HASH_BITS = 15;
const HASH_MASK = (1 << HASH_BITS) - 1;
const SHIFT = 5;

/**
 * A function that puts a word in the place of every secret in a text. One pass looks at three characters at a time; a shape's regular
 * expression runs only where one of its beginnings may stand, so what holds none costs one look at each character.
 */
export function createFinder(shapes: readonly SecretShape[]): (text: string, word: string) => string {
  const sticky = shapes.map(({ source, anyCase }) => new RegExp(source, anyCase ? 'iy' : 'y'));
  const byHash: (RegExp[] | undefined)[] = Array.from({ length: HASH_MASK + 1 });
  const may = new Uint8Array(HASH_MASK + 1);
  for (const [index, { begins }] of shapes.entries())
    for (const beginning of begins) {
      const hash = [0, 1, 2].reduce((sum, at) => next(sum, beginning.charCodeAt(at)), 0);
      may[hash] = 1;
      const known = (byHash[hash] ??= []);
      const own = sticky[index];
      if (own && !known.includes(own)) known.push(own);
    }
  const findAt = (text: string, at: number, hash: number): Found | undefined => {
    for (const shape of byHash[hash] ?? []) {
      shape.lastIndex = at;
      const match = shape.exec(text);
      if (match) return { end: shape.lastIndex, kept: match[1] ?? '' };
    }
    return undefined;
  };

  return (text, word) => {
    let clean = '';
    let done = 0;
    let hash = 0;
    const { length } = text;
    for (let at = 0; at < length; at += 1) {
      hash = next(hash, text.charCodeAt(at));
      if (may[hash] === 0) continue;
      const begin = at - 2;
      const found = begin < done ? undefined : findAt(text, begin, hash);
      if (!found) continue;
      clean += text.slice(done, begin) + found.kept + word;
      done = found.end;
      at = found.end - 1;
    }
    return done === 0 ? text : clean + text.slice(done);
  };
}

/** The hash of the last three characters, one further. Letters count the same in either case (and so do a few other pairs). */
const next = (hash: number, code: number): number => ((hash << SHIFT) ^ (code | 32)) & HASH_MASK;
