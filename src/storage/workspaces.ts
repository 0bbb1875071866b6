import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import type { Episode } from '../schemas/episode.ts';
import type { WorkspaceManifest } from '../schemas/workspace.ts';
import { fileTypeOf } from './content-type.ts';
import type { ObjectStore } from './object-store.ts';
import { MANIFEST_CONTENT_TYPE, rebuildWorkspace, serializeManifest, storeWorkspace } from './workspace-manifest.ts';
import { scanWorkspace } from './workspace-scan.ts';
import type { StatCache } from './workspace-scan.ts';

/** Workspaces kept on this worker's disk; the one used longest ago goes first, and is rebuilt when it is wanted again. */
const WORKSPACES_MAX = 100;

/** An episode's files on this worker's disk. `sha256` names the manifest that they equal; null while something changes them. */
export type Workspace = { dir: string; sha256: string | null; manifest: WorkspaceManifest; cache: StatCache };

/** What a call changed in the workspace: its new manifest, and the files that are new or have new contents. */
export type WorkspaceSnapshot = { sha256: string; size_bytes: number; changed: ArtifactLink[]; skipped: string[] };

/** The workspaces on this worker's disk. The record and S3 hold the truth; these are copies that may vanish at any time. */
export type Workspaces = AsyncDisposable & {
  /**
   * The files that this manifest names (null: those that the episode was started with), rebuilt unless this worker has them;
   * `fresh` never trusts what is here.
   */
  open(episode: Episode, sha256: string | null, options: { fresh: boolean }): Promise<Workspace>;
  /** Stores what changed since the workspace was opened. Throws resource_exhausted, naming the file, beyond the limits. */
  snapshot(workspace: Workspace): Promise<WorkspaceSnapshot>;
};

export type WorkspacesDeps = { store: ObjectStore; root: string };

/** Workspaces below `root`, a folder of this process's own. */
export function createWorkspaces({ store, root }: WorkspacesDeps): Workspaces {
  const open = new Map<string, Promise<Workspace>>();

  // Calls before the first change all begin with the inputs: their manifest is stored for the first of them.
  const inputs = new Map<string, Promise<string>>();
  const inputsOf = async (episode: Episode, fresh: boolean): Promise<string> => {
    const stored = (!fresh && inputs.get(episode.id)) || storeInputs(store, episode);
    inputs.delete(episode.id);
    inputs.set(episode.id, stored);
    for (const oldest of inputs.keys()) {
      if (inputs.size <= WORKSPACES_MAX) break;
      inputs.delete(oldest);
    }
    stored.catch(() => inputs.delete(episode.id));
    return stored;
  };

  const rebuild = async (episode: Episode, sha256: string): Promise<Workspace> => {
    // A folder of its own: an attempt that was given up may still be writing into the old one.
    const dir = join(root, `${episode.id}-${randomUUID().slice(0, 8)}`);
    await mkdir(root, { recursive: true });
    return { dir, sha256, manifest: await rebuildWorkspace(store, sha256, dir), cache: new Map() };
  };

  return {
    async open(episode, changed, { fresh }) {
      const here = open.get(episode.id);
      const current = fresh ? undefined : await here?.catch(() => undefined);
      const sha256 = changed ?? (await inputsOf(episode, fresh));
      if (here && current?.sha256 === sha256) return here;
      // Of calls that run side by side the first rebuilds and the others wait for it.
      const another = open.get(episode.id);
      if (!fresh && another && another !== here) return another;
      const rebuilt = rebuild(episode, sha256);
      open.delete(episode.id);
      open.set(episode.id, rebuilt);
      await dropOldest(open);
      return rebuilt;
    },

    async snapshot(workspace) {
      const { manifest, skipped } = await scanWorkspace(workspace.dir, { cache: workspace.cache });
      const previous = workspace.manifest;
      const stored = await storeWorkspace(store, { dir: workspace.dir, manifest, previous });
      Object.assign(workspace, { manifest, sha256: stored.workspace_sha256 });
      return {
        sha256: stored.workspace_sha256,
        size_bytes: serializeManifest(manifest).length,
        changed: stored.changed
          .filter(({ change }) => change !== 'deleted')
          .map(({ path, sha256, size_bytes }) => ({
            role: 'output',
            path,
            sha256,
            size_bytes,
            clock: null,
            ...typeOf(path),
          })),
        skipped: skipped.map(({ path, reason }) => `${path} is not kept: ${reason}`),
      };
    },

    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
    },
  };
}

function typeOf(path: string): Pick<ArtifactLink, 'content_type' | 'kind'> {
  const { content_type, kind } = fileTypeOf(path);
  return { content_type, kind };
}

async function dropOldest(open: Map<string, Promise<Workspace>>): Promise<void> {
  const [[oldest, opened] = []] = open;
  if (open.size <= WORKSPACES_MAX || oldest === undefined) return;
  const workspace = await opened?.catch(() => undefined);
  open.delete(oldest);
  if (workspace) await rm(workspace.dir, { recursive: true, force: true });
}

/** The manifest of the files that an episode was started with. Throws data_loss, naming it, when one is missing. */
export async function manifestOfInputs(
  store: Pick<ObjectStore, 'stat'>,
  { inputs }: Pick<Episode, 'inputs'>,
): Promise<WorkspaceManifest> {
  const files = await Promise.all(
    inputs.map(async ({ path, sha256 }) => {
      const stat = await store.stat(sha256);
      if (!stat)
        throw new AppError('data_loss', `the input ${path} (sha256 ${sha256}) is missing from the object store`);
      const absolute = path.startsWith('/') ? path : `/${path}`;
      return { path: absolute, mode: '100644' as const, size_bytes: stat.size_bytes, sha256 };
    }),
  );
  return { version: 1, files };
}

/** The manifest of an episode's inputs, stored; returns its hash. */
async function storeInputs(store: ObjectStore, episode: Episode): Promise<string> {
  const bytes = serializeManifest(await manifestOfInputs(store, episode));
  return (await store.put(bytes, { contentType: MANIFEST_CONTENT_TYPE })).sha256;
}
