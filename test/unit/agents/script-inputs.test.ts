import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listScripts } from '../../../src/agents/scripts/scripts.ts';

const ROOT = join(import.meta.dirname, '../../..');

test.each(listScripts().map((script) => [script.name, script] as const))(
  'the script %s names the input that it was written for as that is now',
  async (_, { example, plays }) => {
    const hash = createHash('sha256')
      .update(await readFile(join(ROOT, example)))
      .digest('hex');
    expect(Object.values(plays)).toEqual([hash]);
  },
);
