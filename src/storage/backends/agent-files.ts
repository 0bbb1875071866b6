import type { Readable } from 'node:stream';
import { CompositeBackend } from 'deepagents';
import type { FileInfo, GrepMatch, ReadResult } from 'deepagents';
import { AppError } from '../../errors.ts';
import type { ByteRange, ObjectStore } from '../object-store.ts';
import { isWithin, parseAgentPath } from '../policy.ts';
import type { FileAccess, FilePolicy } from '../policy.ts';
import { GREP_MATCHES_MAX, byPath } from './file-backend.ts';
import type { AgentFailure, FileBackend } from './file-backend.ts';
import { relativeTo } from './file-tree.ts';
import type { FileEntry } from './file-tree.ts';
import { compileGlob } from './glob.ts';
import { createS3Backend } from './s3-backend.ts';
import type { ArtifactIndex } from './s3-backend.ts';
import { createSandboxBackend } from './sandbox-backend.ts';

/** Where the agent's files that outlive the worker lie: written here, they are in S3 before the call returns. */
export const RENDERS = '/renders';

/**
 * An agent's files as its tools see them. Every path is parsed strictly and passes the role's policy first; every failure
 * is an `AppError` whose `agentVisible` says whether the agent or the system has to act on it.
 */
export interface AgentFiles {
  /** What is at a path, or undefined. */
  stat(path: string): Promise<FileEntry | undefined>;
  /** A folder's children that the policy shows, folders with a trailing slash. Throws not_found. */
  ls(path: string): Promise<FileInfo[]>;
  /** Text by lines (`offset` from 0, 500 lines unless told), or a binary file whole, up to 64 MiB. */
  read(path: string, page?: { offset?: number; limit?: number }): Promise<Omit<ReadResult, 'error'>>;
  /** A file's bytes, whole; throws resource_exhausted above 10 MiB where the name says text, else above 64 MiB. */
  readBytes(path: string): Promise<Uint8Array>;
  /** A part of a file of any size. */
  readRange(path: string, range: ByteRange): Promise<Readable>;
  /** Creates or replaces a file; a binary ending takes base64. */
  write(path: string, content: string): Promise<void>;
  /** Creates or replaces a file from bytes of any number, without holding them in memory. */
  writeStream(path: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Replaces a text that occurs once, or everywhere, and says how often. */
  edit(
    path: string,
    change: { oldText: string; newText: string; replaceAll?: boolean },
  ): Promise<{ occurrences: number }>;
  /** Lines that hold a text literally, at most 1,000; `truncated` when there may be more. */
  grep(
    text: string,
    options?: { path?: string; glob?: string; maxCount?: number },
  ): Promise<{ matches: GrepMatch[]; truncated: boolean }>;
  /** Files whose path below `path` matches a pattern. */
  glob(pattern: string, path?: string): Promise<FileInfo[]>;
}

/** An agent's files: `/renders/**` in S3, the rest in the workspace folder, the policy in front of both. */
export function createAgentFiles(options: {
  workspaceDir: string;
  store: ObjectStore;
  index: ArtifactIndex;
  policy: FilePolicy;
}): AgentFiles {
  const renders = createS3Backend({ store: options.store, index: options.index, mount: RENDERS });
  const sandbox = createSandboxBackend({ workspaceDir: options.workspaceDir, hidden: [RENDERS] });
  const places: Places = {
    all: new CompositeBackend(sandbox, { [`${RENDERS}/`]: renders }),
    renders,
    route: (path) =>
      isWithin(RENDERS, path)
        ? { backend: renders, inner: path.slice(RENDERS.length) || '/' }
        : { backend: sandbox, inner: path },
  };
  const guard = createGuard(options.policy);
  return { ...createFileAccess(places, guard), ...createSearch(places, guard) };
}

interface Places {
  all: CompositeBackend;
  renders: FileBackend;
  /** For what deepagents' protocol has no method: the backend, and the path as that backend counts it. */
  route: (path: string) => { backend: FileBackend; inner: string };
}

type Guard = ReturnType<typeof createGuard>;

/** The policy over what agents write. CompositeBackend compares texts (`/renders/../x` would go to S3), so nothing passes unparsed. */
function createGuard(policy: FilePolicy) {
  return {
    file(access: FileAccess, text: string): string {
      const path = parseAgentPath(text);
      policy.check(access, path);
      return path;
    },
    folder(text: string): string {
      const path = parseAgentPath(text);
      if (!policy.allowsBelow('read', path)) policy.check('read', path);
      return path;
    },
    shows({ path }: { path: string }): boolean {
      const isFolder = path.endsWith('/');
      const plain = isFolder ? path.slice(0, -1) : path;
      return isFolder ? policy.allowsBelow('read', plain) : policy.allows('read', plain);
    },
  };
}

function createFileAccess({ all, route }: Places, guard: Guard): Omit<AgentFiles, 'ls' | 'grep' | 'glob'> {
  return {
    async stat(text) {
      const path = guard.folder(text);
      const { backend, inner } = route(path);
      const entry = await backend.stat(inner);
      if (entry?.kind === 'file') guard.file('read', path);
      return entry && { ...entry, path };
    },
    async read(text, { offset, limit } = {}) {
      return unwrap(await all.read(guard.file('read', text), offset, limit));
    },
    async readBytes(text) {
      const { backend, inner } = route(guard.file('read', text));
      return backend.readBytes(inner);
    },
    async readRange(text, range) {
      const { backend, inner } = route(guard.file('read', text));
      return backend.readRange(inner, range);
    },
    async write(text, content) {
      unwrap(await all.write(guard.file('write', text), content));
    },
    async writeStream(text, source) {
      const { backend, inner } = route(guard.file('write', text));
      await backend.writeStream(inner, source);
    },
    async edit(text, { oldText, newText, replaceAll = false }) {
      guard.file('read', text);
      const { occurrences = 0 } = unwrap(await all.edit(guard.file('write', text), oldText, newText, replaceAll));
      return { occurrences };
    },
  };
}

function createSearch({ all, renders, route }: Places, guard: Guard): Pick<AgentFiles, 'ls' | 'grep' | 'glob'> {
  return {
    async ls(text) {
      const { files = [] } = unwrap(await all.ls(guard.folder(text)));
      return files.filter((entry) => guard.shows(entry));
    },
    async grep(text, { path = '/', glob, maxCount = GREP_MATCHES_MAX } = {}) {
      const folder = guard.folder(path);
      // As with glob below: a pattern with folders in it is matched here, on whole paths.
      const onPath = glob?.includes('/') ? compileGlob(glob.replace(/^\/+/, '')) : undefined;
      const found = unwrap(await all.grep(text, folder, onPath ? null : glob));
      // The policy filters before the count does: matches that are not shown must not use it up.
      const matches = (found.matches ?? []).filter(
        (match) => guard.shows(match) && (onPath === undefined || onPath(relativeTo(folder, match.path))),
      );
      return { matches: matches.slice(0, maxCount), truncated: found.truncated === true || matches.length > maxCount };
    },
    async glob(pattern, text = '/') {
      const folder = guard.folder(text);
      const matching = compileGlob(pattern.replace(/^\/+/, '') || pattern);
      // Not CompositeBackend's: it matches the pattern in each backend as if that were the root, so that `*.png` finds
      // `/renders/a.png` and `renders/*` nothing, and it drops a routed backend's error.
      const { backend, inner } = route(folder);
      const here = mounted(folder, unwrap(await backend.glob('**', inner)).files);
      const there = folder === '/' ? mounted(RENDERS, unwrap(await renders.glob('**', '/')).files) : [];
      return [...here, ...there]
        .filter((file) => matching(relativeTo(folder, file.path)) && guard.shows(file))
        .toSorted(byPath);
    },
  };
}

/** A backend's entries under the agent's own names. */
function mounted(folder: string, files: FileInfo[] = []): FileInfo[] {
  if (!isWithin(RENDERS, folder)) return files;
  return files.map((file) => ({ ...file, path: `${RENDERS}${file.path}` }));
}

/** deepagents passes our backends' results on as they are, so a failure still carries its code. */
function unwrap<T extends { error?: string }>(result: T | AgentFailure): Omit<T, 'error'> {
  if (result.error === undefined) return result as T;
  throw new AppError('code' in result ? result.code : 'failed_precondition', result.error);
}
