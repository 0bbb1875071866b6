/**
 * Goal: the rules of CONTRIBUTING.md that lint enforces are switched on, in the folders that they are for.
 * Method: each violation is planted as a file of a throw-away tree that carries the project's own configuration.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lint, LINT_DURATION_MS_MAX, ROOT } from './lint.ts';
import type { Finding } from './lint.ts';

type Violation = { rule: string; file: string; code: string; text: string; says?: RegExp | undefined };

const VIOLATIONS: Violation[] = [
  {
    rule: 'an activity never reaches back to the API',
    file: 'src/activities/write-file.ts',
    code: 'eslint(no-restricted-imports)',
    text: `import { app } from '../api/app.ts';\nexport const use = app;\n`,
    says: /deps of its factory .* src\/runtime supplies them/,
  },
  {
    rule: 'a workflow parses nothing',
    file: 'src/workflows/parse.ts',
    code: 'eslint(no-restricted-imports)',
    text: `import { z } from 'zod';\nexport const Input = z.string();\n`,
    says: /only @temporalio\/workflow and \/common\. Put the I\/O into an activity/,
  },
  {
    rule: 'a route never writes rows that exist',
    file: 'src/api/routes/episodes.ts',
    code: 'eslint(no-restricted-imports)',
    text: `export { endStep } from '../../db/write/steps.ts';\n`,
    says: /start, signal or update a workflow instead/,
  },
  {
    rule: 'a dynamic import is an import',
    file: 'src/api/lazy.ts',
    code: 'eslint(no-restricted-imports)',
    text: `export const load = async (): Promise<unknown> => import('../runtime/worker.ts');\n`,
    says: /nothing reaches back/,
  },
  {
    rule: 'a workflow does no I/O',
    file: 'src/workflows/io.ts',
    code: 'eslint(no-restricted-globals)',
    text: `export const load = async (): Promise<unknown> => fetch('http://example.com');\n`,
    says: /put it into an activity/,
  },
  {
    rule: 'the environment is read in one place',
    file: 'src/storage/region.ts',
    code: 'node(no-process-env)',
    text: `export const region = (): string | undefined => process.env['S3_REGION'];\n`,
  },
  {
    rule: 'a promise is awaited',
    file: 'src/storage/floating.ts',
    code: 'typescript(no-floating-promises)',
    text: `const save = async (): Promise<void> => {};\nexport function run(): void {\n  save();\n}\n`,
  },
  {
    rule: 'a callback that nobody awaits is not async',
    file: 'src/storage/misused.ts',
    code: 'typescript(no-misused-promises)',
    text: `export const all = (keys: string[]): void => keys.forEach(async (key) => Promise.resolve(key));\n`,
  },
  {
    rule: 'a switch names every case',
    file: 'src/storage/cases.ts',
    code: 'typescript(switch-exhaustiveness-check)',
    text: `export function say(kind: 'a' | 'b'): string | undefined {\n  switch (kind) {\n    case 'a':\n      return kind;\n  }\n  return undefined;\n}\n`,
  },
  {
    rule: 'any is not a type',
    file: 'src/storage/any.ts',
    code: 'typescript(no-explicit-any)',
    text: `export const value = (input: any): string => String(input);\n`,
  },
  {
    rule: 'what JSON.parse returns is parsed before it is used',
    file: 'src/storage/unparsed.ts',
    code: 'typescript(no-unsafe-return)',
    text: `export const read = (text: string): string => JSON.parse(text);\n`,
  },
  {
    rule: 'a type is imported as a type',
    file: 'src/storage/type-import.ts',
    code: 'typescript(consistent-type-imports)',
    text: `import { Kind } from './kind.ts';\nexport const kind: Kind = 'a';\n`,
  },
  {
    rule: 'a type import is a statement of its own',
    file: 'src/storage/inline-type.ts',
    code: 'import(consistent-type-specifier-style)',
    text: `import { first, type Kind } from './kind.ts';\nexport const kind: Kind = first;\n`,
  },
  {
    rule: 'exports have names',
    file: 'src/storage/default-export.ts',
    code: 'import(no-default-export)',
    text: `export default 1;\n`,
  },
  {
    rule: 'files do not import each other in a circle',
    file: 'src/storage/circle.ts',
    code: 'import(no-cycle)',
    text: `import { second } from './circle-end.ts';\nexport const first = (): number => second();\n`,
  },
  {
    rule: 'barrels are for registration alone',
    file: 'src/storage/barrel.ts',
    code: 'oxc(no-barrel-file)',
    text: `export * from './kind.ts';\n`,
  },
  {
    rule: 'a file has at most 300 lines',
    file: 'src/storage/long-file.ts',
    code: 'eslint(max-lines)',
    text: '// line\n'.repeat(301),
  },
  {
    rule: 'a function has at most 70 lines',
    file: 'src/storage/long-function.ts',
    code: 'eslint(max-lines-per-function)',
    text: `export function long(calls: number[]): void {\n${'  calls.push(1);\n'.repeat(70)}}\n`,
  },
  {
    rule: 'more than three parameters become one options object',
    file: 'src/storage/parameters.ts',
    code: 'eslint(max-params)',
    text: `export const sum = (a: number, b: number, c: number, d: number): number => a + b + c + d;\n`,
  },
  {
    rule: 'code below the CLI logs instead of printing',
    file: 'src/storage/print.ts',
    code: 'eslint(no-console)',
    text: `export const say = (): void => console.log('hello');\n`,
  },
  {
    rule: 'files are named in kebab-case',
    file: 'src/storage/camelCase.ts',
    code: 'unicorn(filename-case)',
    text: `export const one = 1;\n`,
  },
  {
    rule: 'modules are never stubbed',
    file: 'test/unit/stub.test.ts',
    code: 'vitest(no-restricted-vi-methods)',
    text: `import { vi } from 'vitest';\nvi.mock('../../src/storage/kind.ts');\n`,
    says: /Faults are made by inputs/,
  },
  {
    rule: 'a test expects something',
    file: 'test/unit/empty.test.ts',
    code: 'vitest(expect-expect)',
    text: `import { test } from 'vitest';\ntest('does nothing', () => {});\n`,
  },
];

/** What the rules must leave alone: the same words where they are allowed. */
const ALLOWED: Record<string, string> = {
  'src/storage/kind.ts': `export type Kind = 'a';\nexport const first: Kind = 'a';\n`,
  'src/config/config.ts': `export const environment = (): NodeJS.ProcessEnv => process.env;\n`,
  'src/db/client.ts': `export const connect = (): number => 1;\n`,
  'src/db/read/steps.ts': `import { connect } from '../client.ts';\nexport const listSteps = (): number => connect();\n`,
  'vite.config.ts': `export default {};\n`,
  // Rules that ask the types need the project's settings, and Node's types.
  'tsconfig.json': JSON.stringify({
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(ROOT, 'node_modules/@types')] },
    include: ['src', 'test'],
  }),
};

let tree: string;
let findings: Finding[];

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'rules-'));
  await cp(join(ROOT, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
  const circleEnd = `import { first } from './circle.ts';\nexport const second = (): number => first();\n`;
  const planted = VIOLATIONS.map(({ file, text }): [string, string] => [file, text]);
  for (const [file, text] of [
    ...planted,
    ...Object.entries(ALLOWED),
    ['src/storage/circle-end.ts', circleEnd] as const,
  ]) {
    await mkdir(dirname(join(tree, file)), { recursive: true });
    await writeFile(join(tree, file), text);
  }
  findings = await lint(tree);
}, LINT_DURATION_MS_MAX);

afterAll(async () => rm(tree, { recursive: true, force: true }));

test.each(VIOLATIONS)('$rule: $code', ({ file, code, says = /./ }) => {
  const found = findings.filter((finding) => finding.filename === file && finding.code === code);
  expect(found.map(({ message, help }) => `${message} ${help}`)).toEqual([expect.stringMatching(says)]);
});

test('what is allowed is not reported', () => {
  expect(findings.filter(({ filename }) => filename in ALLOWED)).toEqual([]);
});
