import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { boundedText } from '../../../src/schemas/primitives.ts';

const text = boundedText(2, 3);
/** A validator of its own for what is published: it counts code points, as JSON Schema has it. */
const accepts = new Ajv2020({ strict: false }).compile(z.toJSONSchema(text));

test.each(['', 'a', 'ab', 'abc', 'abcd', '𝔸', '𝔸b', '𝔸𝔸', '𝔸𝔸𝔸', '𝔸𝔸𝔸𝔸', 'a\u0000', '\u0000𝔸'])(
  'text is taken where its published schema takes it: %j',
  (value) => {
    expect(text.safeParse(value).success).toBe(accepts(value));
  },
);

test('half of a surrogate pair is no text', () => {
  expect(text.safeParse('ab\ud835').success).toBe(false);
});
