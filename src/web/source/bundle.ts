import { AppError } from '../../errors.ts';
import type { WorkspaceAt } from '../../schemas/place.ts';
import type { OutlineColumns } from '../../schemas/outline.ts';
import { rowOfEnd } from '../episode/rows.ts';
import type { CoverageResource, FeedbackResource, LogLineResource } from '../resources.ts';
import { readBundle } from './bundle-record.ts';
import type { BundleRecord } from './bundle-record.ts';
import type { LogFilter, Page, Source } from './source.ts';

const LOG_LINES_PAGE = 100;
/** What a browser shows without running anything in it; everything else is shown as the text that it is. */
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif)$|video\/|audio\/|model\/gltf-binary$)/;

/** The page's source from the bundle of one episode, with no server behind: its rows and files, each held against its hash. */
export async function createBundleSource(url: string): Promise<Source> {
  const record = await readBundle(url);
  const { episode, steps } = record;
  const urls = new Map<string, Promise<string>>();
  const lines = once(() => logLines(record));
  const outline = once(async () => steps.map((step) => rowOfEnd(step, Date.parse(episode.created_at))));
  const part = <T extends { seq: number }>(all: T[], after: number, limit: number) =>
    all.filter(({ seq }) => seq > after).slice(0, limit);
  const contentUrl = async (sha256: string) => {
    const type = record.contentType(sha256).split(';', 1)[0] ?? '';
    const bytes = await record.bytes(sha256);
    return URL.createObjectURL(new Blob([bytes], { type: SHOWN.test(type) ? type : 'text/plain; charset=utf-8' }));
  };
  return {
    kind: 'bundle',
    only: episode.id,
    actions: null,
    caller: async () => ({ name: 'bundle', role: 'reader' }),
    episodes: async () => ({ items: [episode], next_cursor: null }),
    statistics: one,
    search: one,
    catalogue: one,
    compare: one,
    episode: async (id) => (id === episode.id ? episode : one()),
    episodeOfTrace: async (trace) => (trace === episode.trace_id ? episode.id : null),
    outline: async (_id, after, limit) => {
      const rows = part(await outline(), after, limit);
      const full = rows.length === limit;
      return {
        created_at: episode.created_at,
        stream_id: '0-0',
        steps: toColumns(rows),
        next_after: full ? (rows.at(-1)?.seq ?? null) : null,
      };
    },
    steps: async (_id, after, limit) => part(steps, after, limit),
    step: async (_id, seq) => {
      const step = steps.find((each) => each.seq === seq);
      if (!step) throw new AppError('not_found', `The bundle has no step ${seq}.`);
      return step;
    },
    logs: async (_id, filter) => pageOfLines(await lines(), filter),
    workspace: async (_id, seq) => workspaceAt(record, seq),
    conversation: null,
    coverage: async () => newestAudit(await record.rows('coverage')),
    verdicts: async () => ({}),
    feedback: async () => (await record.rows('feedback')) as unknown as FeedbackResource[],
    artifact: async (sha256) => {
      const entry = record.artifact(sha256);
      if (!entry) throw new AppError('not_found', `The bundle has no file ${sha256}.`);
      const content_type = record.contentType(sha256);
      return { sha256, size_bytes: entry.size_bytes, created_at: episode.created_at, content_type, uri: '', href: '' };
    },
    lineage: null,
    contentUrl: async ({ sha256 }) => {
      const known = urls.get(sha256) ?? contentUrl(sha256);
      urls.set(sha256, known);
      return known;
    },
    // Whatever happened is in it.
    follow: async function* () {},
  };
}

async function one(): Promise<never> {
  throw new AppError('unimplemented', 'A bundle holds one episode, and nothing of others.');
}

/** The same answer to everybody who asks. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

type Rows = ReturnType<typeof rowOfEnd>[];

function toColumns(rows: Rows): OutlineColumns {
  const names = [
    'seq',
    'parent_seq',
    'kind',
    'agent',
    'name',
    'status',
    'refused',
    'at_ms',
    'duration_ms',
    'tokens',
    'usd',
    'attempts',
    'files',
    'text',
  ] as const satisfies (keyof OutlineColumns)[];
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])) as OutlineColumns;
}

async function logLines({ rows, steps }: BundleRecord): Promise<LogLineResource[]> {
  const seqs = new Map(steps.map(({ id, seq }) => [id, seq]));
  return (await rows('logs')).map(
    (line) => ({ ...line, seq: seqs.get(String(line['step_id'])) ?? null }) as unknown as LogLineResource,
  );
}

function pageOfLines(lines: LogLineResource[], { seq, q, cursor }: LogFilter): Page<LogLineResource> {
  const words = q?.toLowerCase();
  const found = lines.filter(
    (line) =>
      (seq === undefined || line.seq === seq) && (words === undefined || line.text.toLowerCase().includes(words)),
  );
  const from = Number(cursor ?? 0);
  const next = from + LOG_LINES_PAGE;
  return { items: found.slice(from, next), next_cursor: next < found.length ? String(next) : null };
}

/** The files as they stood after a step: those of the newest manifest until then, before which there are the inputs. */
async function workspaceAt({ steps, episode, bytes, artifact }: BundleRecord, seq: number): Promise<WorkspaceAt> {
  const sha256 = steps.findLast((step) => step.seq <= seq && step.workspace_sha256 !== null)?.workspace_sha256;
  if (sha256) {
    const { files } = JSON.parse(await (await bytes(sha256)).text()) as Pick<WorkspaceAt, 'files'>;
    return { seq, sha256, files };
  }
  const files = episode.inputs.map((input) => ({
    ...input,
    mode: '100644' as const,
    size_bytes: artifact(input.sha256)?.size_bytes ?? 0,
  }));
  return { seq, sha256: '', files };
}

function newestAudit(audits: Record<string, unknown>[]): CoverageResource | null {
  const newest = audits
    .toSorted((one, other) => String(one['checked_at']).localeCompare(String(other['checked_at'])))
    .at(-1);
  if (!newest) return null;
  const { report, ...rest } = newest;
  return { ...rest, ...(report as object) } as CoverageResource;
}
