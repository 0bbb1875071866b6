import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppError } from '../../../src/errors.ts';
import { createFilePolicy, isWithin, parseAgentPath } from '../../../src/storage/policy.ts';
import type { FileRule } from '../../../src/storage/policy.ts';

const refused = (code: string) => expect.objectContaining({ code });
const segment = fc.stringMatching(/^[a-z.]{1,6}$/);
const anyPath = fc.array(fc.oneof(segment, fc.constantFrom('', '.', '..')), { maxLength: 8 }).map((s) => s.join('/'));

function outcome(parse: () => string): string {
  try {
    return parse();
  } catch (error) {
    return (error as AppError).code;
  }
}

describe('paths as agents write them', () => {
  it.each([
    ['a/b.txt', '/a/b.txt'],
    ['/a//b/./c/../d/', '/a/b/d'],
    ['/', '/'],
    ['.', '/'],
    ['/v1..v2.diff', '/v1..v2.diff'],
    ['/...', '/...'],
    ['/größe/部品', '/größe/部品'],
  ])('reads %s as %s', (text, path) => {
    expect(parseAgentPath(text)).toBe(path);
  });

  it.each([
    ['nothing', ''],
    ['a way out', '/a/../../etc/passwd'],
    ['a relative way out', '../etc'],
    ['NUL', '/a\u0000b'],
    ['a line break', '/a\nb'],
    ['a backslash', 'C:\\temp'],
    ['a home folder', '~/x'],
    ['half a surrogate pair', '/a\ud800'],
    ['a name of 256 bytes', `/${'ü'.repeat(128)}`],
    ['more than 4096 bytes', '/abcdefg'.repeat(513)],
  ])('refuses %s', (_what, text) => {
    expect(() => parseAgentPath(text)).toThrow(refused('invalid_argument'));
  });

  it('never leaves the root, and agrees with POSIX where it does not refuse', () => {
    fc.assert(
      fc.property(anyPath, (text) => {
        const parts = text.split('/').filter((part) => part !== '' && part !== '.');
        const depths = parts.map((_, i) =>
          parts.slice(0, i + 1).reduce((sum, part) => sum + (part === '..' ? -1 : 1), 0),
        );
        const climbs = depths.some((depth) => depth < 0);
        const parsed = outcome(() => parseAgentPath(text));
        expect(parsed).toBe(text === '' || climbs ? 'invalid_argument' : posix.resolve('/', text));
        expect(parsed === 'invalid_argument' || parseAgentPath(parsed) === parsed).toBe(true);
      }),
    );
  });
});

describe('a file policy', () => {
  const policy = createFilePolicy([
    { effect: 'allow', access: 'read', prefix: '/' },
    { effect: 'allow', access: 'write', prefix: '/renders' },
    { effect: 'allow', access: 'write', prefix: 'plan.md' },
    { effect: 'deny', access: 'any', prefix: '/renders/locked/' },
  ]);

  it('matches prefixes at a boundary only', () => {
    expect(policy.allows('write', '/renders')).toBe(true);
    expect(policy.allows('write', '/renders/a.png')).toBe(true);
    expect(policy.allows('write', '/rendersfoo')).toBe(false);
  });

  it('lets a deny win over every allow', () => {
    expect(policy.allows('read', '/renders/locked')).toBe(false);
    expect(policy.allows('write', '/renders/locked/x')).toBe(false);
    expect(policy.allows('write', '/renders/lockedx')).toBe(true);
  });

  it('allows nothing without a rule', () => {
    expect(createFilePolicy([]).allows('read', '/')).toBe(false);
  });

  it('tells the agent what it may do', () => {
    expect(() => policy.check('write', '/benchmark.yaml')).toThrow(
      'Writing /benchmark.yaml is not allowed. Allowed: /renders, /plan.md, except: /renders/locked.',
    );
    expect(() => policy.check('write', '/benchmark.yaml')).toThrow(refused('permission_denied'));
  });

  it('shows the folders on the way to what is allowed, and no others', () => {
    const narrow = createFilePolicy([{ effect: 'allow', access: 'read', prefix: '/a/b' }]);
    expect(narrow.allowsBelow('read', '/')).toBe(true);
    expect(narrow.allowsBelow('read', '/a')).toBe(true);
    expect(narrow.allowsBelow('read', '/ab')).toBe(false);
    expect(narrow.allowsBelow('write', '/a')).toBe(false);
  });

  it('allows exactly what an allow covers and no deny does, whatever the order of rules', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
    const rule: fc.Arbitrary<FileRule> = fc.record({
      effect: fc.constantFrom('allow', 'deny'),
      access: fc.constantFrom('read', 'write', 'any'),
      prefix: path,
    });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), path, fc.constantFrom('read', 'write'), (rules, file, access) => {
        const parts = file.split('/').filter(Boolean);
        const covering = rules.filter((one) => {
          const prefix = one.prefix.split('/').filter(Boolean);
          return (one.access === access || one.access === 'any') && prefix.every((part, i) => parts[i] === part);
        });
        const expected = covering.length > 0 && covering.every((one) => one.effect === 'allow');
        expect(createFilePolicy(rules).allows(access, file)).toBe(expected);
        expect(createFilePolicy(rules.toReversed()).allows(access, file)).toBe(expected);
      }),
    );
  });

  it('says that a path lies within itself and within the root', () => {
    fc.assert(
      fc.property(
        anyPath.map((text) => posix.resolve('/', text)),
        (path) => isWithin(path, path) && isWithin('/', path),
      ),
    );
  });
});
