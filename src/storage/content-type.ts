import type { ArtifactKind } from '../schemas/artifact.ts';

/**
 * What a file is by its name. `form` says how an agent's tools treat it: `text` as UTF-8 lines, `binary` as bytes
 * (base64 when written as a string), `either` by looking at the bytes.
 */
export interface FileType {
  content_type: string;
  kind: ArtifactKind;
  form: 'text' | 'binary' | 'either';
}

/** The content type, artifact kind and form of a path. Only the name counts; an unknown one is OTHER, octet-stream, `either`. */
export function fileTypeOf(path: string): FileType {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  for (const [pattern, type] of BY_NAME) if (pattern.test(name)) return type;
  return UNKNOWN;
}

/** Whether bytes are to be shown as text: by the name where it decides, else valid UTF-8 without NUL. */
export function isText(path: string, bytes: Uint8Array): boolean {
  const { form } = fileTypeOf(path);
  if (form !== 'either') return form === 'text';
  return !bytes.includes(0) && isUtf8(bytes);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    // The decoder's error is the answer.
    return false;
  }
}

const UNKNOWN: FileType = { content_type: 'application/octet-stream', kind: 'OTHER', form: 'either' };

const text = (content_type: string, kind: ArtifactKind): FileType => ({ content_type, kind, form: 'text' });
const binary = (content_type: string, kind: ArtifactKind): FileType => ({ content_type, kind, form: 'binary' });

/** First match wins, so names that mean more than their extension come first. */
const BY_NAME: [RegExp, FileType][] = [
  [/(^|[._-])(timeline|trajectory)\.json$/, text('application/json', 'TIMELINE')],
  [/(^|[._-])(timeline|trajectory)\.(jsonl|ndjson)$/, text('application/x-ndjson', 'TIMELINE')],
  [/(^|[._-])(timeline|trajectory)\.csv$/, text('text/csv; charset=utf-8', 'TIMELINE')],
  [/\.bundle$/, binary('application/x-git-bundle', 'GIT_ARCHIVE')],
  [/(^|[._-])(git|archive)\.tar\.gz$/, binary('application/gzip', 'GIT_ARCHIVE')],
  [/(^|[._-])(git|archive)\.tar$/, binary('application/x-tar', 'GIT_ARCHIVE')],
  [/\.mp4$/, binary('video/mp4', 'VIDEO')],
  [/\.webm$/, binary('video/webm', 'VIDEO')],
  [/\.mov$/, binary('video/quicktime', 'VIDEO')],
  // The only XML that these agents write is MuJoCo's.
  [/\.(xml|mjcf)$/, text('application/xml', 'MJCF')],
  [/\.png$/, binary('image/png', 'IMAGE')],
  [/\.jpe?g$/, binary('image/jpeg', 'IMAGE')],
  [/\.webp$/, binary('image/webp', 'IMAGE')],
  [/\.gif$/, binary('image/gif', 'IMAGE')],
  [/\.svg$/, text('image/svg+xml', 'IMAGE')],
  [/\.(step|stp)$/, text('model/step', 'STEP')],
  // STL exists as text and as bytes under one name.
  [/\.stl$/, { content_type: 'model/stl', kind: 'STL', form: 'either' }],
  [/\.glb$/, binary('model/gltf-binary', 'GLB')],
  [/\.gltf$/, text('model/gltf+json', 'GLB')],
  [/\.(mjs|cjs|js|jsx)$/, text('text/javascript; charset=utf-8', 'CODE')],
  [/\.py$/, text('text/x-python; charset=utf-8', 'CODE')],
  [/\.(ts|tsx|mts|sh|bash|c|h|cc|cpp|hpp|rs|go|java|lua|rb)$/, text('text/plain; charset=utf-8', 'CODE')],
  [/\.(md|markdown)$/, text('text/markdown; charset=utf-8', 'MARKDOWN')],
  [/\.log$/, text('text/plain; charset=utf-8', 'LOG')],
  [/\.json$/, text('application/json', 'OTHER')],
  [/\.(jsonl|ndjson)$/, text('application/x-ndjson', 'OTHER')],
  [/\.(yaml|yml)$/, text('application/yaml', 'OTHER')],
  [/\.csv$/, text('text/csv; charset=utf-8', 'OTHER')],
  [/\.html?$/, text('text/html; charset=utf-8', 'OTHER')],
  [/\.(txt|toml|ini|cfg)$/, text('text/plain; charset=utf-8', 'OTHER')],
  [/\.pdf$/, binary('application/pdf', 'OTHER')],
  [/\.gz$/, binary('application/gzip', 'OTHER')],
  [/\.zip$/, binary('application/zip', 'OTHER')],
  [/\.tar$/, binary('application/x-tar', 'OTHER')],
];
