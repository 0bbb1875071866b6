/**
 * Goal: the layer table of CONTRIBUTING.md is what lint enforces, no more and no less.
 * Method: a throw-away tree carries the project's own .oxlintrc.json and one file per layer that imports everything, once
 * at run time and once as a type; what lint does not report is what the layer may import.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lint, LINT_DURATION_MS_MAX, ROOT } from './lint.ts';
import type { Finding } from './lint.ts';

/** One representative file of each part that the table tells apart. */
const PARTS = [
  'src/errors.ts',
  'src/identity.ts',
  'src/schemas/step.ts',
  'src/workflows/messages.ts',
  'src/workflows/names.ts',
  'src/workflows/episode.ts',
  'src/db/client.ts',
  'src/db/read/steps.ts',
  'src/db/append/events.ts',
  'src/db/write/steps.ts',
  'src/storage/object-reader.ts',
  'src/storage/s3.ts',
  'src/tracing/spans.ts',
  'src/simulation/trial.ts',
  'src/agents/graph.ts',
  'src/alerts/alerts.ts',
  'src/backup/point.ts',
  'src/activities/sweep.ts',
  'src/api/app.ts',
  'src/client/client.ts',
  'src/cli/main.ts',
  'src/langfuse-stand-in/app.ts',
  'src/config/config.ts',
  'src/embedded/stack.ts',
  'src/runtime/worker.ts',
  'src/web/page.ts',
  'temporal/schedules.ts',
];
const PACKAGES = [
  'node:crypto',
  'node:fs',
  'zod',
  'pg',
  'kysely',
  '@aws-sdk/client-s3',
  '@langchain/langgraph',
  'deepagents',
  'commander',
  'hono',
  'hono/client',
  '@temporalio/activity',
  '@temporalio/client',
  '@temporalio/common',
  '@temporalio/worker',
  '@temporalio/workflow',
];

const BASE = ['src/errors.ts', 'src/identity.ts', 'src/schemas/step.ts'];
const READERS = ['src/db/append/events.ts', 'src/db/read/steps.ts', 'src/storage/object-reader.ts'];
const CONTRACT = ['src/workflows/messages.ts', 'src/workflows/names.ts'];
const TYPES_FOR_CALLERS = ['src/db/client.ts', 'src/storage/s3.ts', 'src/workflows/episode.ts'];
const STORES = PARTS.filter((part) => /^src\/(?:db|storage|tracing)\//.test(part));
const LIBRARIES = PARTS.filter((part) => /^src\/(?:simulation|agents|alerts|backup)\//.test(part));
const NODE_AND_ZOD = ['node:crypto', 'node:fs', 'zod'];
const within = (folder: string): string[] => PARTS.filter((part) => part.startsWith(`${folder}/`));

/** For each layer: the parts that it may import at run time, those of which it may import types besides, and the packages. */
const TABLE: Record<string, { parts: string[]; typesOf?: string[]; packages: string[] }> = {
  'src/schemas': { parts: [...BASE], packages: ['node:crypto', 'zod'] },
  'src/workflows': {
    parts: ['src/errors.ts', ...within('src/workflows')],
    typesOf: ['src/activities/sweep.ts', 'src/schemas/step.ts'],
    packages: ['@temporalio/common', '@temporalio/workflow'],
  },
  'src/db': {
    parts: [...BASE, ...within('src/db')],
    packages: ['node:crypto', 'node:fs', 'zod', 'pg', 'kysely', '@langchain/langgraph'],
  },
  'src/storage': {
    parts: [...BASE, ...within('src/storage')],
    packages: ['node:crypto', 'node:fs', 'zod', '@aws-sdk/client-s3', 'deepagents'],
  },
  'src/tracing': {
    parts: [...BASE, ...within('src/tracing')],
    packages: ['node:crypto', 'node:fs', 'zod', '@langchain/langgraph'],
  },
  'src/simulation': {
    parts: [...BASE, ...within('src/simulation')],
    packages: ['node:crypto', 'node:fs', 'zod'],
  },
  'src/agents': {
    parts: [
      ...BASE,
      'src/db/client.ts',
      'src/db/read/steps.ts',
      ...within('src/storage'),
      ...within('src/tracing'),
      ...within('src/simulation'),
      ...within('src/agents'),
    ],
    packages: ['node:crypto', 'node:fs', 'zod', '@langchain/langgraph', 'deepagents'],
  },
  'src/alerts': { parts: [...BASE, ...within('src/db'), ...within('src/alerts')], packages: NODE_AND_ZOD },
  'src/backup': {
    parts: [...BASE, ...within('src/db'), ...within('src/storage'), ...within('src/backup')],
    packages: NODE_AND_ZOD,
  },
  'src/activities': {
    parts: [...BASE, ...STORES, ...LIBRARIES, ...within('src/activities')],
    typesOf: within('src/workflows'),
    packages: [
      ...NODE_AND_ZOD,
      '@langchain/langgraph',
      'deepagents',
      '@temporalio/activity',
      '@temporalio/client',
      '@temporalio/common',
    ],
  },
  'src/api': {
    parts: [...BASE, ...READERS, ...CONTRACT, ...within('src/api')],
    typesOf: TYPES_FOR_CALLERS,
    packages: [...NODE_AND_ZOD, 'hono', 'hono/client', '@temporalio/client', '@temporalio/common'],
  },
  'src/client': {
    parts: [...BASE, ...within('src/client')],
    typesOf: ['src/api/app.ts'],
    packages: ['zod', 'hono/client'],
  },
  'src/cli': {
    parts: [
      ...BASE,
      ...READERS,
      ...CONTRACT,
      'src/client/client.ts',
      'src/config/config.ts',
      'src/embedded/stack.ts',
      'src/runtime/worker.ts',
      ...within('src/cli'),
      'temporal/schedules.ts',
    ],
    typesOf: [...TYPES_FOR_CALLERS, 'src/api/app.ts'],
    packages: [...NODE_AND_ZOD, 'commander', 'hono/client', '@temporalio/client', '@temporalio/common'],
  },
  'src/langfuse-stand-in': { parts: [...BASE, ...within('src/langfuse-stand-in')], packages: PACKAGES },
  'src/config': { parts: [...BASE, ...within('src/config')], packages: NODE_AND_ZOD },
  'src/embedded': {
    parts: [...BASE, ...within('src/config'), ...within('src/embedded')],
    packages: [...NODE_AND_ZOD, 'pg', '@aws-sdk/client-s3', '@temporalio/client', '@temporalio/common'],
  },
  'src/web': {
    parts: ['src/errors.ts', 'src/client/client.ts', ...within('src/web')],
    typesOf: ['src/api/app.ts', 'src/schemas/step.ts'],
    packages: ['hono/client'],
  },
  'src/runtime': { parts: PARTS, packages: PACKAGES },
  temporal: { parts: PARTS, packages: PACKAGES },
};

let tree: string;
let findings: Finding[];

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'layers-'));
  await cp(join(ROOT, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
  const files = Object.keys(TABLE).flatMap((layer) => [`${layer}/probe.ts`, `${layer}/deep/probe.ts`]);
  await Promise.all(
    [...files, 'src/errors.ts'].map(async (file) => {
      const path = join(tree, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, probe(file));
    }),
  );
  findings = (await lint(tree)).filter(({ code }) => code === 'eslint(no-restricted-imports)');
}, LINT_DURATION_MS_MAX);

afterAll(async () => rm(tree, { recursive: true, force: true }));

describe.each(Object.entries(TABLE))('%s', (layer, may) => {
  test.each(['probe.ts', 'deep/probe.ts'])('imports exactly what the table lets it import (%s)', (file) => {
    const allowed = allowedIn(`${layer}/${file}`);
    expect(allowed.parts).toEqual(sorted(may.parts));
    expect(allowed.packages).toEqual(sorted(may.packages));
    // A type is gone at run time: every package's types are free, and a layer's where the table says so.
    expect(allowed.typesOf).toEqual(sorted([...new Set([...may.parts, ...(may.typesOf ?? [])])]));
    expect(allowed.packageTypes).toEqual(sorted(PACKAGES));
  });
});

test('the table of errors imports nothing, not even a type', () => {
  expect(allowedIn('src/errors.ts')).toEqual({ parts: [], typesOf: [], packages: [], packageTypes: [] });
});

test('every finding says where to go instead', () => {
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.filter(({ help }) => help === undefined || help.length < 20)).toEqual([]);
});

/** The text of a file that imports every part and package: line 2n + 1 at run time, line 2n + 2 as a type. */
function probe(file: string): string {
  const specifiers = [...PARTS.map((part) => specifierFrom(file, part)), ...PACKAGES];
  return specifiers.map((from, n) => `import '${from}';\nimport type { T as T${n} } from '${from}';\n`).join('');
}

function specifierFrom(file: string, part: string): string {
  const path = relative(dirname(file), part);
  return path.startsWith('.') ? path : `./${path}`;
}

function allowedIn(file: string): { parts: string[]; typesOf: string[]; packages: string[]; packageTypes: string[] } {
  const refused = new Set(findings.filter((finding) => finding.filename === file).map(({ line }) => line));
  const targets = [...PARTS, ...PACKAGES];
  const atRunTime = targets.filter((_, n) => !refused.has(2 * n + 1));
  const asType = targets.filter((_, n) => !refused.has(2 * n + 2));
  const isPart = (target: string): boolean => PARTS.includes(target);
  const isPackage = (target: string): boolean => PACKAGES.includes(target);
  return {
    parts: sorted(atRunTime.filter(isPart)),
    typesOf: sorted(asType.filter(isPart)),
    packages: sorted(atRunTime.filter(isPackage)),
    packageTypes: sorted(asType.filter(isPackage)),
  };
}

function sorted(texts: string[]): string[] {
  return texts.toSorted((a, b) => a.localeCompare(b));
}
