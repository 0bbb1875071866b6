import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRedactor } from '../../../src/tracing/redaction.ts';

const { text, json } = createRedactor();
const AWS = `AKIA${'A'.repeat(16)}`;

test.for([
  ['an AWS key', `use ${AWS} here`, 'use [redacted] here'],
  ['an AWS key for a while', `use ASIA${'Z'.repeat(16)}`, 'use [redacted]'],
  ['a Langfuse key', `pk-lf-${'a1'.repeat(12)}`, '[redacted]'],
  ['a GitHub token of the newer kind', `github_pat_${'a'.repeat(22)}`, '[redacted]'],
  ['a Slack token', `at xoxb-${'1'.repeat(12)} or so`, 'at [redacted] or so'],
  ['a Google key', `key=AIza${'b'.repeat(35)}`, 'key=[redacted]'],
  ['a JSON web token', `eyJ${'h'.repeat(10)}.eyJ${'p'.repeat(10)}.sig`, '[redacted]'],
  ['basic credentials', `Basic ${'u'.repeat(20)}==`, 'Basic [redacted]'],
  ['an environment’s password', 'PGPASSWORD=hunter22', 'PGPASSWORD=[redacted]'],
  ['an environment’s API key', 'OPENAI_API_KEY=abcdefg', 'OPENAI_API_KEY=[redacted]'],
  ['a model key', `key sk-proj-${'x1'.repeat(12)}.`, 'key [redacted].'],
  ['a GitHub token', `ghp_${'a'.repeat(36)}`, '[redacted]'],
  ['an authorization header', `Authorization: Bearer ${'t'.repeat(20)}`, 'Authorization: Bearer [redacted]'],
  ['a URL’s password', 'postgres://me:hunter2@db/x', 'postgres://me:[redacted]@db/x'],
  ['a line of an environment', 'S3_SECRET_ACCESS_KEY=abcdefgh next', 'S3_SECRET_ACCESS_KEY=[redacted] next'],
  ['a private key', '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nrest', '[redacted]\nrest'],
])('%s is taken out of a text', ([, raw = '', clean = '']) => {
  expect(text(raw)).toBe(clean);
});

test('members that are named like secrets lose their value, however it is written; counts stay', () => {
  const value = { apiKey: 'x', 'set-cookie': ['a'], nested: [{ PASSWORD: 'y', tokens: 5, token: 7 }], note: 'plain' };
  expect(json(value)).toEqual({
    apiKey: '[redacted]',
    'set-cookie': '[redacted]',
    nested: [{ PASSWORD: '[redacted]', tokens: 5, token: 7 }],
    note: 'plain',
  });
});

test('what holds no secret is not copied, and in what holds one only its surroundings are', () => {
  const value = { plain: { deep: ['x', { y: 1 }] }, mixed: ['a', AWS] };
  const clean = json(value);
  expect(clean).toEqual({ plain: { deep: ['x', { y: 1 }] }, mixed: ['a', '[redacted]'] });
  expect(clean.plain).toBe(value.plain);
  expect(json(value.plain)).toBe(value.plain);
  expect(value.mixed).toEqual(['a', AWS]);
});

test('what is configured counts as a secret too, and so do the deployment’s own', () => {
  const own = createRedactor({
    keys: ['plan_code'],
    patterns: ['\\bBEAM-\\d+\\b'],
    literals: ['correct horse', 'short'],
  });
  expect(own.json({ plan_code: 'x', a: 'BEAM-77 holds', b: 'the correct horse', c: 'short' })).toEqual({
    plan_code: '[redacted]',
    a: '[redacted] holds',
    b: 'the [redacted]',
    c: 'short',
  });
});

test('a configured pattern that backtracking would hang on is looked for in linear time', () => {
  const own = createRedactor({ patterns: ['(a+)+$'] });
  expect(own.text(`${'a'.repeat(50_000)}!`)).toBe(`${'a'.repeat(50_000)}!`);
  expect(own.text('bbaaa')).toBe('bb[redacted]');
});

test('ordinary engineering text is left as it is', () => {
  const plain =
    'funnel_width = 88; <geom pos="0 0 0.1"/> http://127.0.0.1:7700/v1/x me@example.com tokens: 12 sha256 ' +
    'ab'.repeat(32);
  expect(text(plain)).toBe(plain);
});

test('redacting twice is redacting once', () => {
  const parts = fc.constantFrom(AWS, 'postgres://a:b@c', 'Bearer ', 'x'.repeat(20), ' ', 'API_TOKEN=abcdefg', '"');
  fc.assert(
    fc.property(fc.array(parts), (words) => {
      const once = text(words.join(''));
      expect(text(once)).toBe(once);
    }),
  );
});
