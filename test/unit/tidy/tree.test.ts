/** Goal: what no linter looks at stays true of every file that is in the repository. Method: read them all. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ROOT } from './lint.ts';

/** Folders that git ignores, and files whose text is data: compared bytes, not ours to style. */
const IGNORED =
  /^(?:node_modules|dist|reports|coverage|\.git|\.observatory|test\/replay\/(?:histories|known-bad))(?:\/|$)/;
const TEXT =
  /\.(?:[cm]?[jt]s|json|jsonc|md|sql|ya?ml|toml|html|css|sh|txt)$|(?:^|\/)(?:Dockerfile|run|LICENSE|\.npmrc)$/;
const LINES_MAX = 300;
/** Source files that may be longer than LINES_MAX, each with its reason. Empty: split the file instead. */
const LONGER_FILES: Record<string, string> = {};

const FILES = globSync('**/*', { cwd: ROOT, exclude: (path) => IGNORED.test(path) })
  .concat(globSync('{.*,.*/**}', { cwd: ROOT, exclude: (path) => IGNORED.test(path) }))
  .filter((path) => TEXT.test(path) && statSync(join(ROOT, path)).isFile());

const PackageJson = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

const Lockfile = z.object({
  packages: z.record(z.string(), z.object({ optionalDependencies: z.record(z.string(), z.string()).default({}) })),
});

test('the checks see the repository', () => {
  expect(FILES).toEqual(
    expect.arrayContaining(['package.json', 'src/errors.ts', 'test/unit/tidy/tree.test.ts', '.npmrc']),
  );
  expect(FILES.filter((path) => path.includes('node_modules'))).toEqual([]);
});

test('`npm ci` takes the lockfile: it names the optional packages of every platform', () => {
  const { packages } = Lockfile.parse(JSON.parse(read('package-lock.json')));
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  // Mend: copy package.json, the lockfile and .npmrc into an empty folder, and run `npm install --package-lock-only` there.
  // What the registry lacks gets an entry by hand: version, os, cpu, libc and `optional`.
  expect(missing).toEqual([]);
});

test('no source file has more than 300 lines', () => {
  const long = FILES.filter((path) => path.startsWith('src/') && !(path in LONGER_FILES))
    .map((path) => ({ path, lines: read(path).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LINES_MAX);
  expect(long).toEqual([]);
});

test('every test runs: none is picked out, skipped or left for later', () => {
  const tests = FILES.filter((path) => path.startsWith('test/'));
  expect(
    linesMatching(tests, /\b(?:describe|suite|it|test|bench|ctx|context)(?:\.\w+)*\.(?:only|skip|todo)\b/),
  ).toEqual([]);
});

test('no file names a folder of the machine that it was written on', () => {
  expect(linesMatching(FILES, /(?<![\w.:/-])\/(?:work|root|home\/\w+|Users\/\w+)\//)).toEqual([]);
});

test('only the configuration reaches the environment through an import', () => {
  const source = FILES.filter((path) => path.startsWith('src/') && path !== 'src/config/config.ts');
  expect(linesMatching(source, /from '(?:node:)?process'/)).toEqual([]);
});

test('only src/db speaks SQL, besides the two servers that know nothing of the record', () => {
  const others = FILES.filter((path) => /^src\/(?!db\/|langfuse-stand-in\/|embedded\/)/.test(path));
  expect(
    linesMatching(
      others,
      /\bsql(?:<.*>)?`|\.(?:selectFrom|insertInto|updateTable|deleteFrom)\(|\b(?:client|pool)\.query\b/,
    ),
  ).toEqual([]);
});

test('the lockfile names packages and hashes, no registry', () => {
  expect(linesMatching(['package-lock.json'], /"resolved"/)).toEqual([]);
});

test('every dependency is one exact version', () => {
  const { dependencies, devDependencies, optionalDependencies } = PackageJson.parse(JSON.parse(read('package.json')));
  const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  expect(all.length).toBeGreaterThan(0);
  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
});

test('every relative link of the documents leads somewhere', () => {
  const documents = FILES.filter((path) => path.endsWith('.md'));
  const dead = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?![a-z][a-z+.-]*:|#)([^)\s#]+)/g)]
      .map(([, target = '']) => ({ document, target }))
      .filter(({ target }) => !exists(join(dirname(document), decodeURI(target)))),
  );
  expect(dead).toEqual([]);
});

test('every test that ARCHITECTURE.md names exists, and its invariants are numbered without a gap', () => {
  const architecture = read('ARCHITECTURE.md');
  const named = [...architecture.matchAll(/`((?:unit|integration|replay|e2e|matrix)\/[\w/-]+\.test\.ts)`/g)].map(
    ([, path = '']) => path,
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((path) => !exists(join('test', path)))).toEqual([]);
  const [, invariants = ''] = /## Invariants\n([\s\S]*?)\n## /.exec(architecture) ?? [];
  const numbers = [...invariants.matchAll(/^(\S+)\. /gm)].map(([, number]) => Number(number));
  expect(numbers).toEqual(numbers.map((_, n) => n + 1));
});

test('every room of src is in the code map of ARCHITECTURE.md and in the table of layers of CONTRIBUTING.md', () => {
  const rooms = new Set(
    FILES.filter((path) => /^src\/[^/]+\//.test(path)).map((path) => path.split('/').slice(0, 2).join('/')),
  );
  expect(rooms.size).toBeGreaterThan(10);
  for (const document of ['ARCHITECTURE.md', 'CONTRIBUTING.md']) {
    const text = read(document);
    expect([...rooms].filter((room) => !text.includes(`\`${room}\``))).toEqual([]);
  }
});

test('migrations are numbered NNNN_name.sql, from 0001 without a gap', () => {
  const migrations = FILES.filter((path) => /^migrations\/(?!schema\.sql$)/.test(path)).toSorted();
  expect(migrations.length).toBeGreaterThan(0);
  expect(migrations.filter((path) => !/^migrations\/\d{4}_[a-z0-9_]+\.sql$/.test(path))).toEqual([]);
  const numbers = migrations.map((path) => Number(path.slice('migrations/'.length, 'migrations/0000'.length)));
  expect(numbers).toEqual(numbers.map((_, n) => n + 1));
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function exists(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined;
}

function linesMatching(paths: string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, n) => (pattern.test(line) ? [`${path}:${n + 1}: ${line.trim()}`] : [])),
  );
}
