import type { Kysely } from 'kysely';
import type { Alerts } from '../alerts/alerts.ts';
import { getEpisode } from '../db/read/episodes.ts';
import { beginEpisode } from '../db/write/episodes.ts';
import { endFromOutside } from '../db/write/outside.ts';
import type { FreezeSpan } from '../db/write/spans.ts';
import type { Database } from '../schemas/database.ts';
import type { Amendment, WorkflowState } from '../schemas/workflow-state.ts';
import type { EpisodeOutcome } from '../schemas/turn.ts';
import { heartbeating } from './heartbeat.ts';

/** The alert that an episode was ended by others; its subject is the episode. */
export const ENDED_OUTSIDE = 'episode_ended_outside';

export type AmendDeps = {
  db: Kysely<Database>;
  freezeSpan: FreezeSpan;
  alerts: Alerts;
  /** How Temporal has a workflow now. */
  look: (workflowId: string) => Promise<WorkflowState>;
};

/** The activities that bring a record to what Temporal says of its workflow. */
export function createAmendActivities({ db, freezeSpan, alerts, look }: AmendDeps) {
  return {
    /**
     * Looks once more, and ends the record of an episode whose run is gone, or opens that of one whose run goes on. Returns the
     * run whose aftercare is due; null where none is.
     */
    amendEpisode: heartbeating(async ({ episode_id, workflow_id, run_id }: Amendment): Promise<string | null> => {
      const workflow = await look(workflow_id);
      if (workflow.run_id !== run_id) return null;
      if (workflow.state === 'running') {
        await beginEpisode(db, episode_id, workflow.run_id);
        await alerts.clear(ENDED_OUTSIDE, episode_id);
        return null;
      }
      const outcome = outcomeOf(workflow);
      const came = await endFromOutside(db, episode_id, { outcome, run_id, freezeSpan });
      if (came === 'left') return null;
      if (came === 'ended')
        await alerts.raise({
          name: ENDED_OUTSIDE,
          subject: episode_id,
          message: `Episode ${episode_id} did not end itself: ${outcome.failure?.message ?? ''}. A fork or a rewind goes on from its steps.`,
          facts: { episode_id, workflow_id, outcome: outcome.terminal_reason },
        });
      return run_id ?? (await getEpisode(db, episode_id)).run_id;
    }),
  };
}

/** Every activity that amends records. */
export type AmendActivities = ReturnType<typeof createAmendActivities>;

/** What became of an episode whose workflow is no more. */
function outcomeOf(workflow: Exclude<WorkflowState, { state: 'running' }>): EpisodeOutcome {
  if (workflow.state === 'closed' && workflow.terminated) {
    const message = `its workflow was terminated by ${workflow.by || 'somebody'}: ${workflow.reason || 'no reason was given'}`;
    return {
      status: 'stopped',
      terminal_reason: 'TERMINATED',
      failure_class: null,
      failure: { code: 'aborted', message },
    };
  }
  const message =
    workflow.state === 'missing'
      ? 'Temporal has its workflow no more: it was deleted there, or that server lost it'
      : `its workflow closed without a word to the record: ${workflow.reason || 'no reason is known'}`;
  return {
    status: 'failed',
    terminal_reason: 'WORKFLOW_LOST',
    failure_class: 'INFRA_DEVOPS',
    failure: { code: 'data_loss', message },
  };
}
