import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import type { Episode } from '../../schemas/episode.ts';
import { stepKeyOfCall } from '../../schemas/identity.ts';
import { ThoughtOutput } from '../../schemas/step.ts';
import type { Json } from '../../schemas/primitives.ts';
import type { Step } from '../../schemas/step.ts';
import type { EpisodeProgress } from '../../schemas/turn.ts';
import { toStepRow } from './steps.ts';
import { listCallsOf } from './transcript.ts';

/** Reads JSON that was too large for its row. */
type Unpack = (value: Json | null) => Promise<Json | null>;

/**
 * Where a new run of an open episode goes on from, by the record alone: after its last thought when all its calls have
 * ended, else before that thought, which is then thought again. Undefined where nothing was thought yet.
 */
export async function findHead(
  db: Kysely<Database>,
  episode: Episode,
  { unpack, now_ms }: { unpack: Unpack; now_ms: number },
): Promise<EpisodeProgress | undefined> {
  const thought = await findLastThought(db, episode.id);
  if (!thought) return undefined;
  const place = (await findPlaceAfter(db, thought, unpack)) ?? {
    seq: thought.seq - 1,
    checkpoint_id: thought.checkpoint_id,
    next_key: thought.step_key,
    deliver_seq: null,
  };
  const spent = await sumUp(db, episode, place.seq);
  return {
    ...place,
    thread_id: episode.thread_id,
    tokens: spent.tokens,
    usd: spent.usd,
    started_ms: now_ms - spent.worked_ms,
    workspace_queue: null,
    paused: await findPause(db, episode.id),
    messages: [],
  };
}

async function findLastThought(db: Kysely<Database>, episodeId: string): Promise<Step | undefined> {
  const row = await lineOf(db, episodeId)
    .where('kind', '=', 'thought')
    .where('checkpoint_id', 'is not', null)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  return row && toStepRow(row);
}

type Place = Pick<EpisodeProgress, 'seq' | 'checkpoint_id' | 'next_key' | 'deliver_seq'>;

/** The place after a thought all of whose calls have ended, what people said since included. */
async function findPlaceAfter(db: Kysely<Database>, thought: Step, unpack: Unpack): Promise<Place | undefined> {
  if (thought.status !== 'ok') return undefined;
  const { tool_calls } = ThoughtOutput.parse(await unpack(thought.output));
  const recorded = new Map(
    (await listCallsOf(db, thought.episode_id, thought.seq)).map((step) => [step.step_key, step]),
  );
  const calls = tool_calls.map(({ id }) => recorded.get(stepKeyOfCall(thought.step_key, id)));
  const ended = calls.every((call) => call && (call.status === 'ok' || call.status === 'error'));
  // The calls were made from the checkpoint that the thought led to.
  const checkpoint_id = calls.find((call) => call?.checkpoint_id)?.checkpoint_id ?? null;
  if (!ended || checkpoint_id === null) return undefined;
  const rest = await lineOf(db, thought.episode_id).where('seq', '>', thought.seq).orderBy('seq').execute();
  const open = rest.findIndex(({ status }) => status === 'running');
  const last = (open < 0 ? rest : rest.slice(0, open)).at(-1);
  return { seq: last?.seq ?? thought.seq, checkpoint_id, next_key: null, deliver_seq: thought.seq };
}

/** What the steps up to `seq` used, and how long the agents worked: the time of people is not theirs. */
async function sumUp(db: Kysely<Database>, { id, started_at }: Episode, seq: number) {
  const steps = await lineOf(db, id).where('seq', '<=', seq).orderBy('seq').execute();
  const thoughts = steps.filter(({ kind }) => kind === 'thought');
  const last_ms = Date.parse(steps.at(-1)?.ended_at ?? started_at ?? '');
  const first_ms = Date.parse(started_at ?? '');
  const people_ms = steps
    .filter(({ kind }) => kind === 'human')
    .reduce((sum, step) => sum + Date.parse(step.ended_at ?? step.started_at) - Date.parse(step.started_at), 0);
  return {
    tokens: thoughts.reduce((sum, step) => sum + step.input_tokens + step.output_tokens, 0),
    usd: thoughts.reduce((sum, step) => sum + step.usd, 0),
    worked_ms: Math.max(0, last_ms - first_ms - people_ms) || 0,
  };
}

async function findPause(db: Kysely<Database>, episodeId: string): Promise<EpisodeProgress['paused']> {
  const row = await lineOf(db, episodeId)
    .where('kind', '=', 'human')
    .where('name', '=', 'pause')
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (!row) return null;
  const { author, text } = (row.input ?? {}) as { author?: string; text?: string };
  return { author: author ?? '', reason: text ?? '' };
}

/** The steps of the current line: at most as many as the largest budget allows. */
function lineOf(db: Kysely<Database>, episodeId: string) {
  return db.selectFrom('steps').selectAll().where('episode_id', '=', episodeId).where('superseded_by', 'is', null);
}
