import type { Readable } from 'node:stream';
import type {
  BackendProtocolV2,
  EditResult,
  FileDownloadResponse,
  FileInfo,
  FileOperationError,
  FileUploadResponse,
  GrepMatch,
  GrepResult,
} from 'deepagents';
import { AppError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import { fileTypeOf, isText } from '../content-type.ts';
import type { ByteRange } from '../object-store.ts';
import { parseAgentPath } from '../policy.ts';
import { getFile, relativeTo, shown, writeFile } from './file-tree.ts';
import type { FileEntry, FileTree } from './file-tree.ts';
import { compileGlob } from './glob.ts';
import { base64Bytes, pageOf, replaceText, searchLines, utf8 } from './text.ts';

/** The largest file whose text is paged, edited or searched. */
const TEXT_BYTES_MAX = 10 * 1024 ** 2;
/** The largest binary file that is handed over whole; larger ones are read by range. */
const BINARY_BYTES_MAX = 64 * 1024 ** 2;
/** Matches of one search unless the caller wants fewer, and bytes that one search reads. Beyond either: `truncated`. */
export const GREP_MATCHES_MAX = 1_000;
const GREP_BYTES_MAX = 64 * 1024 ** 2;
/** Lines of one page unless told, as deepagents has it. */
const PAGE_LINES = 500;

/** A failure that the agent caused, in deepagents' shape and with our code, so that nobody has to guess from the text. */
export interface AgentFailure {
  error: string;
  code: ErrorCode;
}

/** deepagents' protocol, and besides it streams, ranges and single entries, which it does not know. */
export type FileBackend = Required<Omit<BackendProtocolV2, 'delete'>> & {
  stat(path: string): Promise<FileEntry | undefined>;
  readBytes(path: string): Promise<Uint8Array>;
  writeStream(path: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  readRange(path: string, range: ByteRange): Promise<Readable>;
};

/**
 * deepagents' protocol over a tree of files, one behaviour for every tree. What the agent did wrong comes back as
 * `{ error, code }`; what the system must mend (the store is away, bytes are lost) is thrown. Files with a binary name are
 * written from base64 and read as bytes. The methods besides the protocol throw in both cases.
 */
export function createFileBackend(tree: FileTree): FileBackend {
  return {
    ls: (path) => answer(async () => ({ files: await list(tree, parseAgentPath(path)) })),
    read: (path, offset, limit) => answer(() => readPage(tree, parseAgentPath(path), { offset, limit })),
    readRaw: (path) => answer(async () => ({ data: await readRaw(tree, parseAgentPath(path)) })),
    write: (path, content) =>
      answer(async () => {
        const bytes = fileTypeOf(path).form === 'binary' ? base64Bytes(content) : Buffer.from(content);
        await writeFile(tree, parseAgentPath(path), bytes);
        return { path, filesUpdate: null };
      }),
    // oxlint-disable-next-line max-params -- deepagents' signature
    edit: (path, oldText, newText, all = false) =>
      answer(() => edit(tree, parseAgentPath(path), { oldText, newText, all })),
    // oxlint-disable-next-line max-params -- deepagents' signature
    grep: (pattern, path, glob, maxCount) =>
      answer(() => grep(tree, pattern, { path: parseAgentPath(path || '/'), glob, maxCount })),
    glob: (pattern, path) => answer(() => glob(tree, pattern, parseAgentPath(path || '/'))),
    uploadFiles: (files) => Promise.all(files.map(([path, bytes]) => upload(tree, path, bytes))),
    downloadFiles: (paths) => Promise.all(paths.map((path) => download(tree, path))),
    stat: async (path) => tree.stat(parseAgentPath(path)),
    readBytes: async (path) => readWhole(tree, parseAgentPath(path)),
    writeStream: async (path, source) => writeFile(tree, parseAgentPath(path), source),
    async readRange(path, range) {
      const { path: file } = await getFile(tree, parseAgentPath(path));
      return tree.readRange(file, range);
    },
  };
}

async function answer<T extends object>(work: () => Promise<T>): Promise<T | AgentFailure> {
  try {
    return await work();
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (!error.agentVisible) throw error;
    return { error: error.message, code: error.code };
  }
}

async function list(tree: FileTree, path: string): Promise<FileInfo[]> {
  const entry = await tree.stat(path);
  if (entry === undefined) throw new AppError('not_found', `There is no folder ${shown(tree, path)}.`);
  const entries = entry.kind === 'file' ? [entry] : await tree.list(path);
  return entries.map(toInfo).toSorted(byPath);
}

async function readPage(
  tree: FileTree,
  path: string,
  page: { offset?: number | undefined; limit?: number | undefined },
) {
  const { content_type: mimeType } = fileTypeOf(path);
  const bytes = await readWhole(tree, path);
  if (!isText(path, bytes)) return { content: bytes, mimeType };
  return { ...pageOf(utf8(bytes), page.offset ?? 0, page.limit ?? PAGE_LINES), mimeType: textType(mimeType) };
}

async function readRaw(tree: FileTree, path: string) {
  const { modified_at = '' } = await getFile(tree, path);
  const bytes = await readWhole(tree, path);
  const { content_type: mimeType } = fileTypeOf(path);
  const times = { created_at: modified_at, modified_at };
  if (!isText(path, bytes)) return { content: bytes, mimeType, ...times };
  return { content: utf8(bytes), mimeType: textType(mimeType), ...times };
}

async function readWhole(tree: FileTree, path: string): Promise<Uint8Array> {
  const file = await getFile(tree, path);
  const max = fileTypeOf(path).form === 'text' ? TEXT_BYTES_MAX : BINARY_BYTES_MAX;
  if (file.size_bytes > max) {
    const message = `${shown(tree, path)} has ${file.size_bytes} bytes; at most ${max} are read at once.`;
    throw new AppError('resource_exhausted', message);
  }
  return tree.readBytes(path, max);
}

async function edit(
  tree: FileTree,
  path: string,
  change: { oldText: string; newText: string; all: boolean },
): Promise<EditResult> {
  const bytes = await readWhole(tree, path);
  // An edit writes back all that it read, so bytes that are not text would be destroyed without notice.
  if (!isText(path, bytes) || !Buffer.from(utf8(bytes)).equals(bytes)) {
    throw new AppError('failed_precondition', `${shown(tree, path)} is not UTF-8 text and cannot be edited.`);
  }
  const { text, occurrences } = replaceText(utf8(bytes), change, shown(tree, path));
  await writeFile(tree, path, Buffer.from(text));
  return { path, filesUpdate: null, occurrences };
}

interface GrepOptions {
  path: string;
  glob: string | null | undefined;
  maxCount: number | null | undefined;
}

async function grep(tree: FileTree, pattern: string, { path, glob, maxCount }: GrepOptions): Promise<GrepResult> {
  if (pattern === '') throw new AppError('invalid_argument', 'The text to search for is empty.');
  const most = Math.min(maxCount ?? GREP_MATCHES_MAX, GREP_MATCHES_MAX);
  const matches: GrepMatch[] = [];
  const matching = glob ? compileGlob(glob) : () => true;
  let bytesLeft = GREP_BYTES_MAX;
  let truncated = false;
  for (const file of (await filesBelow(tree, path)).toSorted(byPath)) {
    const name = glob?.includes('/') ? relativeTo(path, file.path) : file.path.slice(file.path.lastIndexOf('/') + 1);
    if (!matching(name) || fileTypeOf(file.path).form === 'binary') continue;
    if (file.size_bytes > TEXT_BYTES_MAX || file.size_bytes > bytesLeft) {
      truncated = true;
      continue;
    }
    bytesLeft -= file.size_bytes;
    const bytes = await tree.readBytes(file.path, TEXT_BYTES_MAX);
    if (!isText(file.path, bytes)) continue;
    for (const found of searchLines(utf8(bytes), pattern)) {
      if (matches.length === most) return { matches, truncated: true };
      matches.push({ path: file.path, ...found });
    }
  }
  return { matches, truncated };
}

async function glob(tree: FileTree, pattern: string, path: string) {
  const matching = compileGlob(pattern.replace(/^\/+/, '') || pattern);
  const files = (await filesBelow(tree, path)).filter((file) => matching(relativeTo(path, file.path)));
  return { files: files.map(toInfo).toSorted(byPath) };
}

/** Searching nothing finds nothing: an absent folder has no files. */
async function filesBelow(tree: FileTree, path: string): Promise<FileEntry[]> {
  const entry = await tree.stat(path);
  if (entry === undefined) return [];
  return entry.kind === 'file' ? [entry] : tree.walk(path);
}

async function upload(tree: FileTree, path: string, bytes: Uint8Array): Promise<FileUploadResponse> {
  const done = await answer(async () => {
    await writeFile(tree, parseAgentPath(path), bytes);
    return {};
  });
  return { path, error: operationError(done) };
}

async function download(tree: FileTree, path: string): Promise<FileDownloadResponse> {
  const done = await answer(async () => ({ bytes: await readWhole(tree, parseAgentPath(path)) }));
  return { path, content: 'bytes' in done ? done.bytes : null, error: operationError(done) };
}

function operationError(done: object): FileOperationError | null {
  if (!('code' in done)) return null;
  if (done.code === 'not_found') return 'file_not_found';
  if (done.code === 'permission_denied') return 'permission_denied';
  return done.code === 'failed_precondition' ? 'is_directory' : 'invalid_path';
}

function toInfo(entry: FileEntry): FileInfo {
  const is_dir = entry.kind === 'directory';
  const info: FileInfo = { path: is_dir ? `${entry.path}/` : entry.path, is_dir, size: entry.size_bytes };
  return entry.modified_at === undefined ? info : { ...info, modified_at: entry.modified_at };
}

/** Orders by code units: fast, total, and the same everywhere. */
export function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** Bytes that turned out to be text are called so. */
function textType(contentType: string): string {
  return contentType === 'application/octet-stream' ? 'text/plain; charset=utf-8' : contentType;
}
