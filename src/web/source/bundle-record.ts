import { AppError } from '../../errors.ts';
import type { BundleManifest } from '../../schemas/bundle.ts';
import type { ArtifactFile, EpisodeResource, StepDetailResource } from '../resources.ts';
import { hashOf } from './hash.ts';
import { readZip } from './zip.ts';
import type { ZipEntry } from './zip.ts';

type Row = Record<string, unknown>;

/** What a bundle holds, read once: the rows of its tables as the API gives them, and its files by their hashes. */
export type BundleRecord = {
  episode: EpisodeResource;
  steps: StepDetailResource[];
  /** The rows of a table, as they were stored. */
  rows: (table: string) => Promise<Row[]>;
  artifact: (sha256: string) => ZipEntry | undefined;
  /** The bytes of a file, held against the hash that names it. */
  bytes: (sha256: string) => Promise<Blob>;
  contentType: (sha256: string) => string;
};

/** Reads the bundle at an address. Throws what is wrong with it. */
export async function readBundle(url: string): Promise<BundleRecord> {
  const answer = await fetch(url);
  if (!answer.ok) throw new AppError('not_found', `There is no bundle at ${url} (${answer.status}).`);
  const entries = await readZip(await answer.blob());
  const open = async (path: string) => {
    const entry = entries.get(path);
    if (!entry) throw new AppError('data_loss', `The bundle has no ${path}.`);
    return entry.open();
  };
  const json = async <T>(path: string) => JSON.parse(await (await open(path)).text()) as T;
  const manifest = await json<BundleManifest>('manifest.json');
  const hashes = new Map(manifest.files.map(({ path, sha256 }) => [path, sha256]));
  const checked = async (path: string) => {
    const content = await open(path);
    if (!(await hasHash(content, hashes.get(path))))
      throw new AppError('data_loss', `${path} of the bundle was changed.`);
    return content;
  };
  const rows = async (table: string): Promise<Row[]> =>
    (await (await checked(`${table}.jsonl`)).text())
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
  const links = await rows('artifact_links');
  const types = new Map(links.map(({ sha256, content_type }) => [String(sha256), String(content_type)]));
  const path = (sha256: string) => `artifacts/${sha256}`;
  const artifact = (sha256: string) => entries.get(path(sha256));
  return {
    episode: { ...(await json<EpisodeResource>('episode.json')), links: NO_LINKS },
    steps: toSteps({ steps: await rows('steps'), attempts: await rows('attempts'), links, artifact }),
    rows,
    artifact,
    bytes: (sha256) => checked(path(sha256)),
    contentType: (sha256) => types.get(sha256) ?? 'application/octet-stream',
  };
}

/** Nothing of a deployment can be reached from a bundle. */
const NO_LINKS: EpisodeResource['links'] = {
  self: '',
  steps: '',
  logs: '',
  artifacts: '',
  stream: '',
  events: '',
  temporal: null,
  langfuse: null,
};

type Tables = { steps: Row[]; attempts: Row[]; links: Row[]; artifact: BundleRecord['artifact'] };

/** The steps of the line, in their order, with their tries and files. */
function toSteps({ steps, attempts, links, artifact }: Tables): StepDetailResource[] {
  const triesOf = Map.groupBy(attempts, ({ step_id }) => step_id);
  const filesOf = Map.groupBy(links, ({ step_id }) => step_id);
  const toFile = ({ step_id: _, attempt: __, ...link }: Row) => {
    const sha256 = String(link['sha256']);
    return { ...link, size_bytes: artifact(sha256)?.size_bytes ?? 0, uri: '', href: '' } as unknown as ArtifactFile;
  };
  return steps
    .filter(({ superseded_by }) => superseded_by === null)
    .map(({ search_text: _, ...step }) => ({
      ...step,
      trace_url: null,
      artifacts: (filesOf.get(step['id']) ?? []).map(toFile),
      attempts: (triesOf.get(step['id']) ?? []).toSorted(
        (one, other) => Number(one['attempt']) - Number(other['attempt']),
      ),
    }))
    .map((step) => step as unknown as StepDetailResource)
    .toSorted((one, other) => one.seq - other.seq);
}

/** Whether the bytes are those that the bundle was written with. Where the browser offers no hashes (plain http), nobody knows. */
async function hasHash(content: Blob, sha256: string | undefined): Promise<boolean> {
  if (!crypto.subtle) return true;
  return (await hashOf(content)) === sha256;
}
