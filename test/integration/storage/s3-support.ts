import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { s3Options as configuredOptions } from '../../../src/runtime/artifact-store.ts';
import type { ArtifactIndex, IndexedArtifact } from '../../../src/storage/backends/s3-backend.ts';
import { createS3ObjectStore } from '../../../src/storage/s3.ts';
import type { S3StoreOptions } from '../../../src/storage/s3.ts';

/** How to reach the S3 server and bucket that the tests share; objects are named by content, so tests make their own. */
export const s3Options = (): S3StoreOptions => configuredOptions(loadConfig(inject('environment')));

/** A store on the shared bucket. Its caller disposes of it. */
export function openStore(changes: Partial<S3StoreOptions> = {}) {
  return createS3ObjectStore({ ...s3Options(), ...changes });
}

/** Text that no other test and no earlier run has stored. */
export function freshText(): string {
  return `fresh ${randomUUID()}\n`;
}

/** An index of paths in memory: the whole contract, without a database. */
export function createMemoryIndex(): ArtifactIndex {
  const paths = new Map<string, IndexedArtifact>();
  return {
    find: async (path) => paths.get(path),
    list: async (prefix) =>
      [...paths].filter(([path]) => path.startsWith(prefix)).map(([path, artifact]) => ({ path, ...artifact })),
    add: async (path, artifact) => {
      paths.set(path, artifact);
    },
  };
}
