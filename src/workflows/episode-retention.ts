import { ActivityFailure, ApplicationFailure, proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { EpisodeRetentionActivities } from '../activities/retention.ts';
import type { DeletedEpisode } from '../schemas/episode.ts';
import type { EpisodeRetentionReport } from '../schemas/restore-point.ts';
import { backupOptions, RETENTION } from './activity-options.ts';

/** Batches of one night: what is left goes the next night. */
const BATCHES_MAX = 100;

const { deleteEpisode, forgetElsewhere, deleteExpiredMedia, listExpiredEpisodes } =
  proxyActivities<EpisodeRetentionActivities>(RETENTION);

/**
 * Gives up episodes: the one that is named, or, every night, first the log lines and videos and then the whole of those that
 * are past their age, and last the files that nothing refers to any more.
 */
export async function EpisodeRetentionWorkflow(request: { episode_id?: string } = {}): Promise<EpisodeRetentionReport> {
  const report: EpisodeRetentionReport = { media_deleted: 0, deleted: 0, kept: 0, artifacts: null };
  if (request.episode_id !== undefined) {
    await giveUp(request.episode_id, 'asked', report);
    return report;
  }
  for (let batch = 0, found = 1; found > 0 && batch < BATCHES_MAX; batch++) {
    found = await deleteExpiredMedia.executeWithOptions({ summary: 'logs and videos past their age' }, [null]);
    report.media_deleted += found;
  }
  let after: string | null = null;
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const ids: string[] = await listExpiredEpisodes.executeWithOptions({ summary: 'episodes past their age' }, [after]);
    if (ids.length === 0) break;
    for (const id of ids) await giveUp(id, 'age', report).catch(() => report.kept++);
    setCurrentDetails(`${report.deleted} episodes deleted, ${report.kept} kept`);
    after = ids.at(-1) ?? null;
  }
  const { sweepArtifacts } = proxyActivities<BackupActivities>(backupOptions());
  report.artifacts = await sweepArtifacts.executeWithOptions({ summary: 'files that nothing refers to' }, [null]);
  return report;
}

async function giveUp(id: string, reason: DeletedEpisode['reason'], report: EpisodeRetentionReport): Promise<void> {
  const names = await deleteEpisode.executeWithOptions({ summary: `delete ${id}` }, [{ id, reason }]);
  if (names === null) return;
  report.deleted++;
  await forgetElsewhere.executeWithOptions({ summary: `forget ${id} elsewhere` }, [names]).catch((error: unknown) => {
    // The episode is gone; that others may still know of it is on its tombstone as not asked.
    if (!(error instanceof ActivityFailure && error.cause instanceof ApplicationFailure)) throw error;
  });
}
