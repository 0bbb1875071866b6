import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Clock } from '../../../../src/schemas/artifact.ts';
import { createAgentFiles, RENDERS } from '../../../../src/storage/backends/agent-files.ts';
import type { AgentFiles } from '../../../../src/storage/backends/agent-files.ts';
import type { IndexedArtifact } from '../../../../src/storage/backends/s3-backend.ts';
import { artifactUri } from '../../../../src/storage/keys.ts';
import type { ObjectStore } from '../../../../src/storage/object-store.ts';
import { createFilePolicy } from '../../../../src/storage/policy.ts';
import type { Tool, ToolContext } from '../../../../src/agents/tools/tool.ts';

const BUCKET = 'artifacts';
const STEP_SEQ = 31;

/** What a call of a tool left behind, apart from its answer. */
export type Workbench = AsyncDisposable & {
  files: AgentFiles;
  /** Calls a tool as the worker does: arguments parsed first. */
  call: (tool: Tool, args: Record<string, unknown>) => ReturnType<Tool['run']>;
  rendered: { path: string; sha256: string; clock: Clock | undefined }[];
  used: string[];
};

/** A workspace folder with real agent files, objects in memory, and the given inputs, for tests of single tools. */
export async function createWorkbench(inputs: Record<string, string> = {}): Promise<Workbench> {
  const dir = await mkdtemp(join(tmpdir(), 'tool-'));
  const { store, index } = memoryObjects();
  const place = { workspaceDir: dir, store, index };
  const anything = (prefix: string) => createFilePolicy([{ effect: 'allow', access: 'any', prefix }]);
  const files = createAgentFiles({ ...place, policy: anything('/') });
  const renders = createAgentFiles({ ...place, policy: anything(RENDERS) });
  const rendered: Workbench['rendered'] = [];
  const used: string[] = [];
  const context = {
    step: { id: '0198f0c4-0000-7000-8000-000000000031', seq: STEP_SEQ },
    files,
    workspace_dir: dir,
    async render(path, bytes, { clock } = {}) {
      await renders.writeStream(path, Readable.from([bytes]));
      const sha256 = hashOf(bytes);
      rendered.push({ path, sha256, clock });
      return { sha256, uri: artifactUri(BUCKET, sha256) };
    },
    async readInput(path) {
      const text = inputs[path];
      if (text === undefined) throw new Error(`no input ${path}`);
      return Buffer.from(text);
    },
    usedFile: (path) => void used.push(path),
    progress: () => {},
    log: { write() {}, async close() {}, async [Symbol.asyncDispose]() {} },
    signal: new AbortController().signal,
  } satisfies Partial<Record<keyof ToolContext, unknown>> &
    Partial<Pick<ToolContext, 'render' | 'readInput' | 'usedFile'>>;
  return {
    files,
    rendered,
    used,
    // The tools under test look at no more of an episode and a step than is given here.
    call: async (tool, args) => tool.run(tool.input.parse(args) as never, context as unknown as ToolContext),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Objects and their index as S3 and the record keep them, in memory. */
function memoryObjects() {
  const objects = new Map<string, Uint8Array>();
  const paths = new Map<string, IndexedArtifact>();
  const bytesOf = (sha256: string) => objects.get(sha256) ?? new Uint8Array();
  const store: Pick<ObjectStore, 'bucket' | 'put' | 'readBytes'> = {
    bucket: BUCKET,
    async put(source) {
      if ('file' in source) throw new Error('not in this store');
      const bytes = source instanceof Uint8Array ? source : await buffer(Readable.from(source));
      objects.set(hashOf(bytes), bytes);
      return { sha256: hashOf(bytes), size_bytes: bytes.length };
    },
    readBytes: async (sha256) => bytesOf(sha256),
  };
  return {
    store: store as ObjectStore,
    index: {
      find: async (path: string) => paths.get(path),
      list: async (prefix: string) =>
        [...paths].filter(([path]) => path.startsWith(prefix)).map(([path, artifact]) => ({ path, ...artifact })),
      add: async (path: string, artifact: IndexedArtifact) => void paths.set(path, artifact),
    },
  };
}
