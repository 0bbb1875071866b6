import { matchesGlob } from 'node:path/posix';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../../src/storage/backends/glob.ts';

describe('glob patterns', () => {
  it.each([
    ['*.py', 'a.py', true],
    ['*.py', 'src/a.py', false],
    ['**/*.py', 'a.py', true],
    ['**/*.py', 'src/deep/a.py', true],
    ['**', '.env', true],
    ['src/**', 'src/a/b', true],
    ['src/**/b', 'src/b', true],
    ['src/**/b', 'srcs/b', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['{plan,todo}.md', 'todo.md', true],
    ['{a,b{c,d}}', 'bd', true],
    ['{a}', '{a}', true],
    [String.raw`\*`, '*', true],
    [String.raw`\*`, 'x', false],
    ['[', '[', true],
    ['部?', '部品', true],
    ['./a', 'a', true],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(compileGlob(pattern)(path)).toBe(expected);
  });

  it.each([
    ['nothing', ''],
    ['a way up', '../*'],
    ['a way up in disguise', '{.,x}{.,x}/etc'],
    ['too many alternatives', '{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}'],
    ['a pattern of 513 characters', 'a'.repeat(513)],
  ])('refuses %s', (_what, pattern) => {
    expect(() => compileGlob(pattern)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it("agrees with Node's own matcher", () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?', 'a*', '*b', '**', '[ab]'), {
      minLength: 1,
      maxLength: 5,
    });
    const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'ba', 'c'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(pattern, path, (segments, names) => {
        // A final `**` after a name matches the name itself here and not there; both are in use.
        fc.pre(segments.at(-1) !== '**' || segments.length === 1);
        const [text, file] = [segments.join('/'), names.join('/')];
        expect([text, file, compileGlob(text)(file)]).toEqual([text, file, matchesGlob(file, text)]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not explode on a pattern made to', () => {
    const matches = compileGlob('*a'.repeat(200));
    expect(matches(`${'a'.repeat(254)}b`)).toBe(false);
    expect(compileGlob('**/a/'.repeat(80) + 'b')('a/'.repeat(1_000) + 'c')).toBe(false);
  });
});
