import type { Kysely } from 'kysely';
import { v5 as uuidv5 } from 'uuid';
import { insertFeedback } from '../../db/append/feedback.ts';
import { findEpisodeRecord } from '../../db/read/coverage.ts';
import type { EpisodeRecord } from '../../db/read/coverage.ts';
import { readDeployment } from '../../db/read/deployment.ts';
import { dropBegun, insertItems, listTakeovers } from '../../db/write/spans.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import { rootRunOf } from '../../identity.ts';
import type { EndedLine } from '../../tracing/root-spans.ts';
import { automaticScores } from '../../agents/scores.ts';
import type { Tool } from '../../agents/tools/tool.ts';
import type { Announce } from '../../alerts/alerts.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import { heartbeating } from '../heartbeat.ts';
import type { FrozenItem } from '../../schemas/trace.ts';

/** An episode and the run of it that is about to close. */
export type Aftercare = { episode_id: string; workflow_id: string; run_id: string };

export type AftercareDeps = {
  /** Every tool: it says what its last call is worth. */
  registry: ReadonlyMap<string, Tool>;
  db: Kysely<Database>;
  json: Pick<JsonStore, 'unpack'>;
  freezeRoot: (line: EndedLine) => FrozenItem;
  /** Resolves when the run has closed, however it ended. */
  awaitRunEnd: (workflowId: string, runId: string) => Promise<void>;
  /** Langfuse's environment. */
  environment: string;
  announce: Announce;
};

/** Who gives the automatic scores. */
const AUTHOR = 'observatory';

/** The activities that follow an episode's end. */
export function createAftercareActivities(deps: AftercareDeps) {
  const { db, json, registry, freezeRoot, awaitRunEnd, environment, announce } = deps;
  return {
    /** Resolves when the run has closed: from then on its history is whole. */
    awaitRunEnd: heartbeating(({ workflow_id, run_id }: Aftercare): Promise<void> => awaitRunEnd(workflow_id, run_id)),

    /** Puts the root spans and the automatic scores into the outbox, and announces the end to the webhook. Doing it again changes nothing. */
    closeTrace: heartbeating(async (episodeId: string): Promise<void> => {
      const record = await findEpisodeRecord(db, episodeId);
      if (!record) throw new AppError('not_found', `no episode ${episodeId}`);
      // Sent after it, it would take its place.
      await dropBegun(db, episodeId);
      const takeovers = await listTakeovers(db, episodeId, record.runs);
      const { restored_at } = await readDeployment(db);
      // A line from before a restore may have been sent to Langfuse by the record that was lost.
      const isDoubtful = ({ started_at }: EndedLine) => restored_at !== null && started_at < restored_at;
      for (const [doubtful, lines] of Map.groupBy(linesOf(record, takeovers), isDoubtful))
        await insertItems(db, { episode_id: episodeId, step_id: null, doubtful }, lines.map(freezeRoot));
      const ended_by = record.episode.run_id ?? '';
      const outputs = new Map<string, unknown>();
      for (const step of record.steps) if (step.output) outputs.set(step.id, await json.unpack(step.output));
      for (const score of automaticScores(record, outputs, registry)) {
        const id = uuidv5(`${ended_by}/${score.name}`, episodeId);
        await insertFeedback(db, score, {
          id,
          episode_id: episodeId,
          author: AUTHOR,
          source: 'automatic',
          environment,
        });
      }
      await announce('episode.ended', uuidv5(`ended/${ended_by}`, episodeId), endOf(record));
    }),
  };
}

/** Every activity that follows an episode's end. */
export type AftercareActivities = ReturnType<typeof createAftercareActivities>;

/** What the webhook is sent of an ended episode: how it ended, and no contents. */
function endOf({ episode }: EpisodeRecord) {
  const { id, status, agent, model, terminal_reason, failure_class, started_at, ended_at } = episode;
  const { step_count, input_tokens, output_tokens, usd } = episode;
  const sums = { step_count, input_tokens, output_tokens, usd };
  return { episode_id: id, status, agent, model, terminal_reason, failure_class, started_at, ended_at, ...sums };
}

/** The lines of runs of an ended episode: each from its first step to its last, the newest to the episode's own end. */
function linesOf({ episode, runs, steps }: EpisodeRecord, takeovers: ReadonlySet<string>): EndedLine[] {
  const newest = rootRunOf(runs, takeovers, runs.at(-1) ?? episode.run_id ?? '');
  const byLine = Map.groupBy(steps, ({ run_id }) => rootRunOf(runs, takeovers, run_id));
  const begun = episode.started_at ?? episode.created_at;
  return [...new Set([...byLine.keys(), newest])].map((run): EndedLine => {
    const own = byLine.get(run) ?? [];
    const first = own.map(({ started_at }) => started_at).toSorted()[0] ?? begun;
    const last =
      own
        .flatMap(({ ended_at }) => ended_at ?? [])
        .toSorted()
        .at(-1) ?? first;
    const started_at = run === runs[0] || own.length === 0 ? begun : first;
    if (run !== newest) {
      const status_message = 'overtaken: the episode was reset and went on in another run';
      return { episode, run, started_at, ended_at: last, level: 'WARNING', status_message, output: null };
    }
    const { status, terminal_reason, failure_class, failure, ended_at } = episode;
    const { step_count, input_tokens, output_tokens, usd } = episode;
    return {
      episode,
      run,
      started_at,
      ended_at: ended_at ?? last,
      level: status === 'completed' ? 'DEFAULT' : status === 'failed' ? 'ERROR' : 'WARNING',
      status_message: failure?.message ?? null,
      output: { status, terminal_reason, failure_class, step_count, input_tokens, output_tokens, usd },
    };
  });
}
