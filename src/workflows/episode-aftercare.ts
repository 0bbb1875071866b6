import { patched, proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { AftercareActivities, Aftercare } from '../activities/aftercare.ts';
import type { AuditSummary, CoverageActivities } from '../activities/coverage.ts';
import type { ReplayActivities } from '../activities/replay.ts';
import { AFTERCARE } from './activity-options.ts';

const { awaitRunEnd, closeTrace } = proxyActivities<AftercareActivities>(AFTERCARE);
const { auditCoverage, auditAgain } = proxyActivities<CoverageActivities>(AFTERCARE);
const { archiveHistories, archiveMissed, replayEpisode } = proxyActivities<ReplayActivities>(AFTERCARE);

/** Histories are archived and replayed since then; runs that were open before go on without. */
const HISTORIES = 'histories';

/** Audits follow at growing intervals until one is complete: about an hour in all, then the nightly sweep goes on. */
const AUDITS_MAX = 16;
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
  for (let audit = 1; ; audit += 1) {
    const summary = await auditCoverage.executeWithOptions({ summary: `audit ${audit}` }, [care.episode_id]);
    setCurrentDetails(`**${summary.verdict}** · ${summary.finding_count} findings in audit ${audit}`);
    if (summary.settled || audit >= AUDITS_MAX) return summary;
    await sleep(1000 * Math.min(AUDIT_INTERVAL_S * 1.6 ** (audit - 1), AUDIT_INTERVAL_S_MAX));
  }
}

/** Archives histories that were missed, and audits the ended episodes again whose last report is not complete. Returns how many. */
export async function CoverageSweepWorkflow(): Promise<number> {
  if (patched(HISTORIES)) await archiveMissed.executeWithOptions({ summary: 'archive what was missed' }, []);
  return auditAgain.executeWithOptions({ summary: 'audit again what was not complete' }, []);
}
