import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import { storableJson, storableText } from '../schemas/primitives.ts';
import type { Json, JsonInput } from '../schemas/primitives.ts';
import type { ObjectStore } from './object-store.ts';

/** What a row holds itself; larger JSON becomes an artifact, so that lists and checkpoints stay quick. */
const INLINE_JSON_BYTES_MAX = 16_384;
const PREVIEW_CHARS = 500;
/** Far above any tool's output, which its own limits bound. */
const STORED_JSON_BYTES_MAX = 64 * 1024 * 1024;
/** Conversations are rebuilt for every thought; what is immutable is fetched once. In UTF-16 units. */
const CACHE_CHARS_MAX = 32 * 1024 * 1024;

/** Keeps large JSON values as artifacts, with a reference in their place. */
export type JsonStore = {
  /** The value itself when it is small, else a reference to the artifact that now holds it, and that artifact's link. */
  pack: (
    value: JsonInput,
    path: string,
  ) => Promise<{ value: Json; artifact: (ArtifactLink & { role: 'output' }) | null }>;
  /** The JSON that an artifact holds. Throws invalid_argument when it is none. */
  read: (sha256: string) => Promise<Json>;
  /** The value that `pack` was given. */
  unpack: (value: Json | null) => Promise<Json | null>;
};

/** A `JsonStore` on the object store, with a bounded cache of what it has read. */
export function createJsonStore(store: ObjectStore): JsonStore {
  const cache = new Map<string, string>();
  let cached = 0;
  const remember = (sha256: string, text: string) => {
    if (cache.has(sha256)) return;
    cache.set(sha256, text);
    cached += text.length;
    for (const [oldest, { length }] of cache) {
      if (cached <= CACHE_CHARS_MAX) break;
      cache.delete(oldest);
      cached -= length;
    }
  };
  const read = async (sha256: string) => {
    let text = cache.get(sha256);
    if (text === undefined) {
      text = Buffer.from(await store.readBytes(sha256, { maxBytes: STORED_JSON_BYTES_MAX })).toString('utf8');
      remember(sha256, text);
    }
    try {
      return JSON.parse(text) as Json;
    } catch (cause) {
      throw new AppError('invalid_argument', `the artifact ${sha256} is not JSON`, { cause });
    }
  };
  return {
    async pack(raw, path) {
      const value = storableJson(raw);
      const text = JSON.stringify(value);
      const bytes = Buffer.from(text);
      if (bytes.length <= INLINE_JSON_BYTES_MAX) return { value, artifact: null };
      const content_type = 'application/json';
      const { sha256, size_bytes } = await store.put(bytes, { contentType: content_type });
      remember(sha256, text);
      return {
        value: { $artifact: sha256, size_bytes, preview: storableText(text.slice(0, PREVIEW_CHARS)) },
        artifact: { role: 'output', path, sha256, size_bytes, content_type, kind: 'OTHER', clock: null },
      };
    },
    read,
    async unpack(value) {
      const sha256 = referenceOf(value);
      return sha256 ? read(sha256) : value;
    },
  };
}

function referenceOf(value: Json | null): string | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const sha256 = value['$artifact'];
  if (sha256 === undefined) return undefined;
  if (typeof sha256 !== 'string') throw new AppError('data_loss', 'a stored reference to an artifact is damaged');
  return sha256;
}
