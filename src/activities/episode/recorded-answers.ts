import type { Kysely } from 'kysely';
import { findRecordedStep, findUnrecordedWord } from '../../db/read/recorded.ts';
import type { RecordedStep } from '../../db/read/recorded.ts';
import { noteMiss } from '../../db/write/episodes.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { Json } from '../../schemas/primitives.ts';
import type { Step } from '../../schemas/step.ts';
import type { PersonStep } from '../../schemas/turn.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import type { AttemptContext, StepResult } from '../record/recorder.ts';
import { sha256Of } from '../../identity.ts';
import { wordsOfStep } from './words.ts';

/** Where recording itself keeps what was too large for a row: packed anew for the step that takes the answer. */
const PACKED = '.observatory/steps/';

/** What a person said on record, and the step that holds it. */
export type RecordedSaying = { step_id: string; author: string; text: string; approve: boolean };

/**
 * The answers that a re-run takes from its parent's record, until it first asks something else. What a step asks follows from
 * what was answered and said before it. So a question is the recorded one where each step before it is: answered from the
 * record, or a person's who said the same. How a build puts a question (its prompts, the form of messages, what it tells of
 * tools) is no part of that: an answer that another build recorded is found as well, whatever has changed since.
 */
export type RecordedAnswers = {
  /** The answer of the same step to the same question; undefined where it is to be asked for. A miss is noted, and both are logged. */
  take(
    episode: Episode,
    asking: Pick<AttemptContext, 'step' | 'log'>,
    asked_sha256: string,
  ): Promise<StepResult | undefined>;
  /** What a person said at this step of the record; undefined where nobody did. */
  saying(episodeId: string, open: Pick<PersonStep, 'step' | 'name' | 'call'>): Promise<RecordedSaying | undefined>;
};

/** What names a question: the same one has the same hash, whoever asks it. Members of objects stay in their order. */
export const hashOfAsked = (asked: Json): string => sha256Of(JSON.stringify(asked));

/** Recorded answers for re-runs; for every other episode there are none. */
export function createRecordedAnswers({ db, json }: { db: Kysely<Database>; json: JsonStore }): RecordedAnswers {
  return {
    async take(episode, { step, log }, asked_sha256) {
      if (!mayTake(episode, step.seq)) return undefined;
      const { recorded, missed } = await findRecordedStep(db, episode.id, step.seq);
      if (missed) return undefined;
      const reason =
        reasonAgainst(recorded, step) ?? reasonAgainstWord(await findUnrecordedWord(db, episode.id, step.seq));
      const source = `step ${step.seq} of episode ${episode.parent_episode_id}`;
      if (recorded && reason === undefined) {
        log.write('system', `the answer is the recorded one of ${source}: nothing was asked or run`);
        return answerOf(json, recorded, asked_sha256);
      }
      log.write('system', `live from here on, for it is not ${source}: ${reason}`, 'warning');
      await noteMiss(db, episode.id, { seq: step.seq, reason: reason ?? '' });
      return undefined;
    },
    async saying(episodeId, { step: { seq }, name, call }) {
      const { recorded, missed } = await findRecordedStep(db, episodeId, seq);
      if (missed || recorded?.kind !== 'human' || recorded.name !== (name === 'question' ? call?.name : name))
        return undefined;
      const said = await wordsOfStep(json, recorded);
      return said && { ...said, step_id: recorded.id, approve: recorded.status === 'ok' };
    },
  };
}

const mayTake = ({ recorded_until, recorded_miss }: Episode, seq: number) =>
  recorded_until !== null && seq <= recorded_until && (recorded_miss === null || seq < recorded_miss.seq);

/** Steps are the same by who asks what: what kind of step a tool's call is may have changed since. */
function reasonAgainst(recorded: RecordedStep | undefined, step: Step): string | undefined {
  if (!recorded) return 'the record has no such step';
  if (recorded.agent !== step.agent || recorded.name !== step.name)
    return `the record has ${recorded.name} of ${recorded.agent}, not ${step.name} of ${step.agent}`;
  const answered = recorded.status === 'ok' || (recorded.status === 'error' && recorded.kind !== 'thought');
  return answered ? undefined : `the recorded step ended as ${recorded.status}`;
}

const reasonAgainstWord = (seq: number | undefined) =>
  seq === undefined ? undefined : `a person said something else at step ${seq}`;

async function answerOf(json: JsonStore, recorded: RecordedStep, asked_sha256: string): Promise<StepResult> {
  return {
    output: await json.unpack(recorded.output),
    ...(recorded.error && { error: recorded.error }),
    artifacts: recorded.artifacts.filter(({ path }) => !path.startsWith(PACKED)),
    ...(recorded.workspace && { workspace: recorded.workspace }),
    ...(recorded.search_text !== null && { search_text: recorded.search_text }),
    asked_sha256,
    served_from: recorded.id,
  };
}
