/**
 * Builds the page into dist/page where what it is made of has changed since; otherwise does nothing, in milliseconds.
 * `--force` builds in any case. Runs on the project's own Node.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What goes into the build: its own sources, those of other rooms that run in a browser, and the packages. */
const SOURCES = [
  'src/web/**/*',
  'src/client/*.ts',
  'src/schemas/problem.ts',
  'src/errors.ts',
  'src/api/page-policy.ts',
  'vite.config.ts',
];
const stamp = join(root, 'dist/page/sources.sha256');

const sources = hashOfSources();
if (process.argv.includes('--force') || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== sources) {
  console.log('Building the page. This takes seconds, after changes only.');
  // Whoever asks for it, a test too, gets the build that people get.
  process.env['NODE_ENV'] = 'production';
  const { build } = await import('vite');
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
  writeFileSync(stamp, sources);
}

function hashOfSources() {
  const hash = createHash('sha256');
  const files = globSync([...SOURCES, 'package-lock.json'], { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  for (const file of files) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}
