import type { Kysely } from 'kysely';
import { findEpisodeRecord, listUncoveredEpisodes } from '../../db/read/coverage.ts';
import type { EpisodeRecord } from '../../db/read/coverage.ts';
import { insertCoverage } from '../../db/write/coverage.ts';
import { AppError } from '../../errors.ts';
import { FINDINGS_MAX } from '../../schemas/coverage.ts';
import type { CoverageVerdict } from '../../schemas/coverage.ts';
import type { Database } from '../../schemas/database.ts';
import { hasEnded } from '../../schemas/episode.ts';
import type { Observation } from '../../schemas/trace.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { forEachBounded } from '../../storage/parallel.ts';
import { compareWitnesses } from '../../tracing/coverage.ts';
import type { CompletedStep, ExpectedSpan, ObjectSeen, Testimony } from '../../tracing/coverage.ts';
import type { LangfuseClient } from '../../tracing/langfuse-client.ts';
import { TYPE_OF_KIND } from '../../tracing/spans.ts';
import { heartbeating } from '../heartbeat.ts';
import { begunRootOf, currentRows } from './trace-rows.ts';

/** Objects that one audit asks the store for at the same time. */
const OBJECTS_AT_ONCE = 8;
/** How far back the nightly sweep goes, and how many episodes it audits. */
const SWEEP_DAYS = 30;
const SWEEP_EPISODES_MAX = 500;

export type CoverageDeps = {
  db: Kysely<Database>;
  store: Pick<ObjectStore, 'stat'>;
  langfuse: LangfuseClient | null;
  /** The steps that completed activities of these runs recorded. Throws not_found when Temporal no longer has a run. */
  listCompletedSteps: (workflowId: string, runIds: string[]) => Promise<CompletedStep[]>;
};

/** The result of an audit; `settled`: auditing again will find nothing else. */
export type AuditSummary = { verdict: CoverageVerdict; finding_count: number; settled: boolean };

/** The activities that audit coverage. */
export function createCoverageActivities(deps: CoverageDeps) {
  return {
    /** Asks the four witnesses about an episode, compares what they say, and keeps the report. */
    auditCoverage: heartbeating((episodeId: string): Promise<AuditSummary> => audit(deps, episodeId)),

    /** Audits the ended episodes of the last days again whose newest report is not complete. Returns how many. */
    auditAgain: heartbeating(async (): Promise<number> => {
      const episodes = await listUncoveredEpisodes(deps.db, { days: SWEEP_DAYS, limit: SWEEP_EPISODES_MAX });
      for (const id of episodes) await audit(deps, id);
      return episodes.length;
    }),
  };
}

/** Every activity that audits coverage. */
export type CoverageActivities = ReturnType<typeof createCoverageActivities>;

async function audit(deps: CoverageDeps, episodeId: string): Promise<AuditSummary> {
  const record = await findEpisodeRecord(deps.db, episodeId);
  if (!record) throw new AppError('not_found', `no episode ${episodeId}`);
  const [history, { langfuse, legacy }, objects] = await Promise.all([
    askTemporal(deps, record),
    askLangfuse(deps, record),
    askStore(deps, record),
  ]);
  const spans = expectedSpans(record, legacy);
  const { steps } = record;
  const inherited = record.episode.forked_from_seq ?? 0;
  const evidence = { history, inherited, steps, spans, langfuse, objects };
  const { verdict, witnesses, counts, findings } = compareWitnesses(evidence);
  const finding_count = findings.length;
  const named = findings.slice(0, FINDINGS_MAX);
  await insertCoverage(deps.db, { episode_id: episodeId, verdict, witnesses, counts, finding_count, findings: named });
  const settled =
    hasEnded(record.episode.status) && (verdict === 'complete' || (verdict === 'unverified' && deps.langfuse === null));
  return { verdict, finding_count, settled };
}

async function askTemporal(
  { listCompletedSteps }: CoverageDeps,
  { episode, runs }: EpisodeRecord,
): Promise<Testimony<CompletedStep>> {
  const all = [...new Set([...runs, ...(episode.run_id === null ? [] : [episode.run_id])])];
  return asked(() => listCompletedSteps(episode.workflow_id, all));
}

async function askLangfuse(
  { langfuse }: CoverageDeps,
  record: EpisodeRecord,
): Promise<{ langfuse: Testimony<Observation>; legacy: boolean }> {
  const { episode, items } = record;
  if (!langfuse) return { langfuse: { asked: false, reason: 'no Langfuse is configured' }, legacy: false };
  let legacy = false;
  const answer = await asked(async () => {
    const waiting = items.filter(({ confirmed, parked }) => !confirmed && parked === null).length;
    // Delivery asks for these already, for all episodes at once.
    if (waiting > 0 && (await langfuse.isLimited()))
      throw new AppError('unavailable', `Langfuse allows few reads, and ${waiting} items are still on their way to it`);
    const server = await langfuse.detect();
    legacy = server.traces === 'ingestion';
    return currentRows(record, await langfuse.listObservations(server, { traces: [episode.trace_id] }));
  });
  return { langfuse: answer, legacy };
}

async function askStore({ store }: CoverageDeps, { objects }: EpisodeRecord): Promise<Testimony<ObjectSeen>> {
  return asked(async () => {
    const seen: ObjectSeen[] = [];
    await forEachBounded(objects, OBJECTS_AT_ONCE, async (object) => {
      const found = await store.stat(object.sha256);
      seen.push({ ...object, stored_bytes: found?.size_bytes ?? null });
    });
    return seen.toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
  });
}

/** A witness that does not answer is one that was not asked: that is said in the report, and is no gap in what it knows. */
async function asked<T>(ask: () => Promise<T[]>): Promise<Testimony<T>> {
  try {
    return { asked: true, items: await ask() };
  } catch (error) {
    return { asked: false, reason: AppError.from(error).message };
  }
}

/** Servers that take traces by ingestion alone know only SPAN beside GENERATION and EVENT. */
function expectedSpans(record: EpisodeRecord, legacy: boolean): ExpectedSpan[] {
  const { steps, items } = record;
  const refused = new Map(items.map(({ span_id, parked }) => [span_id, parked]));
  const typesOf = (type: string) => (legacy && type !== 'GENERATION' && type !== 'EVENT' ? [type, 'SPAN'] : [type]);
  const ofSteps = steps
    .filter(({ status }) => status !== 'running')
    .map(({ span_id, kind, seq, name }) => ({ span_id, types: typesOf(TYPE_OF_KIND[kind]), seq, name }));
  const others = items
    .filter(({ subject }) => subject !== 'step')
    .map(({ span_id, subject }) => ({
      span_id,
      types: typesOf(subject === 'root' ? 'AGENT' : 'SPAN'),
      seq: null,
      name: subject === 'root' ? 'the episode' : 'a failed attempt',
    }));
  const begun = items.some(({ subject }) => subject === 'root') ? undefined : begunRootOf(record);
  const running =
    begun === undefined ? [] : [{ span_id: begun, types: typesOf('AGENT'), seq: null, name: 'the episode' }];
  return [...ofSteps, ...others, ...running].map((span) => ({ ...span, refused: refused.get(span.span_id) ?? null }));
}
