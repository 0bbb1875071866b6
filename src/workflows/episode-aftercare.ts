import { patched, proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { AftercareActivities, Aftercare } from '../activities/traces/aftercare.ts';
import type { AuditSummary, CoverageActivities } from '../activities/traces/coverage.ts';
import type { TraceRepairActivities } from '../activities/traces/repair.ts';
import type { CoverageAudit } from '../schemas/coverage.ts';
import type { ReplayActivities } from '../activities/replay.ts';
import { AFTERCARE } from './activity-options.ts';

const { awaitRunEnd, closeTrace } = proxyActivities<AftercareActivities>(AFTERCARE);
const { auditCoverage, auditAgain } = proxyActivities<CoverageActivities>(AFTERCARE);
const { repairTrace } = proxyActivities<TraceRepairActivities>(AFTERCARE);
const { archiveHistories, archiveMissed, replayEpisode } = proxyActivities<ReplayActivities>(AFTERCARE);

/** Histories are archived and replayed since then; runs that were open before go on without. */
const HISTORIES = 'histories';

/** Audits follow at growing intervals until one is complete: about an hour in all, then the nightly sweep goes on. */
const AUDITS_MAX = 16;
/** As many take about a minute. */
const REPAIR_AUDITS_MAX = 7;
const AUDIT_INTERVAL_S = 2;
const AUDIT_INTERVAL_S_MAX = 600;

/**
 * Cares for an episode once the run has closed, which a run cannot do for itself: its last task is in no history before.
 * Closes the trace (root spans, scores), archives the histories of its runs, replays them, and audits coverage until
 * everything is where it should be.
 */
export async function EpisodeAftercareWorkflow(care: Aftercare): Promise<AuditSummary> {
  await awaitRunEnd.executeWithOptions({ summary: 'wait for the run to close' }, [care]);
  await closeTrace.executeWithOptions({ summary: 'close the trace' }, [care.episode_id]);
  if (patched(HISTORIES)) {
    await archiveHistories.executeWithOptions({ summary: 'archive the histories' }, [care.episode_id]);
    await replayEpisode.executeWithOptions({ summary: 'replay' }, [care.episode_id]);
  }
  return auditUntilSettled(care.episode_id, AUDITS_MAX);
}

/**
 * Audits an episode now, with `repair` after what Langfuse was found to lack was put into the outbox again. A few audits
 * follow each other: what was put there needs a moment.
 */
export async function CoverageAuditWorkflow({ episode_id, repair }: CoverageAudit): Promise<AuditSummary> {
  if (repair) {
    await repairTrace.executeWithOptions({ summary: 'send again what Langfuse lacks' }, [episode_id]);
    await closeTrace.executeWithOptions({ summary: 'close the trace' }, [episode_id]);
  }
  return auditUntilSettled(episode_id, repair ? REPAIR_AUDITS_MAX : 1);
}

async function auditUntilSettled(episodeId: string, audits_max: number): Promise<AuditSummary> {
  for (let audit = 1; ; audit += 1) {
    const summary = await auditCoverage.executeWithOptions({ summary: `audit ${audit}` }, [episodeId]);
    setCurrentDetails(`**${summary.verdict}** · ${summary.finding_count} findings in audit ${audit}`);
    if (summary.settled || audit >= audits_max) return summary;
    await sleep(1000 * Math.min(AUDIT_INTERVAL_S * 1.6 ** (audit - 1), AUDIT_INTERVAL_S_MAX));
  }
}

/** Archives histories that were missed, and audits the ended episodes again whose last report is not complete. Returns how many. */
export async function CoverageSweepWorkflow(): Promise<number> {
  if (patched(HISTORIES)) await archiveMissed.executeWithOptions({ summary: 'archive what was missed' }, []);
  return auditAgain.executeWithOptions({ summary: 'audit again what was not complete' }, []);
}
