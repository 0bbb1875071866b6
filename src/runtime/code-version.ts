import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of this code, as an episode's row keeps it. */
export function codeVersion(): string {
  const manifest = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
