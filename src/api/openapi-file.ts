import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiDeps } from './deps.ts';
import { createApp } from './app.ts';
import { documentOf } from './openapi.ts';

/** The committed document: what clients are generated from and reviews see changing. */
const FILE = join(import.meta.dirname, '../../openapi.json');

/** The text of openapi.json as the routes declare it now. No server is needed: nothing is asked of the dependencies. */
export function openapiText(): string {
  // Declaring a route touches no dependency; one that did would throw here at once.
  return `${JSON.stringify(documentOf(createApp({} as ApiDeps)), null, 2)}\n`;
}

if (import.meta.main) {
  const text = openapiText();
  if (!process.argv.includes('--check')) await writeFile(FILE, text);
  else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
    process.stderr.write('openapi.json is not what the routes declare: run `node src/api/openapi-file.ts`.\n');
    process.exitCode = 1;
  }
}
