import type { Kysely } from 'kysely';
import { z } from 'zod';
import { getStep } from '../../db/read/steps.ts';
import { setEpisodeStatus } from '../../db/write/episodes.ts';
import type { AskedChannel } from '../../alerts/asked.ts';
import type { FreezeSpan } from '../../db/write/spans.ts';
import { beginStep, endStep } from '../../db/write/steps.ts';
import type { Database } from '../../schemas/database.ts';
import { spanIdOf, traceIdOf } from '../../identity.ts';
import type { JsonObject } from '../../schemas/primitives.ts';
import { NO_USAGE, ThoughtOutput } from '../../schemas/step.ts';
import type { PersonAnswer, PersonMessage, PersonStep, RecordedWord, Said } from '../../schemas/turn.ts';
import { heartbeating } from '../heartbeat.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import type { RecordedAnswers, RecordedSaying } from './recorded-answers.ts';
import type { ReadWords } from './words.ts';

export type PeopleDeps = {
  db: Kysely<Database>;
  json: JsonStore;
  freezeSpan: FreezeSpan;
  recordedAnswers: RecordedAnswers;
  readWords: ReadWords;
  asked: AskedChannel;
  namespace: string;
};

/** What an episode does while such a step is open. */
const WHILE_OPEN = { question: 'waiting', approval: 'waiting', pause: 'paused', message: 'running' } as const;
/** The parts of a step that the agents' own record uses under other names. */
const PERSON = 'person';

/** The activities that record what people say and decide, as steps of kind `human`. */
export function createPeopleActivities(deps: PeopleDeps) {
  const { db, json, freezeSpan, recordedAnswers, readWords, asked, namespace } = deps;
  const begin = async (open: PersonStep) => {
    const { step: identity, step_key, name, call, said } = open;
    const words = said && { author: said.author, text: await readWords(identity.episode_id, said) };
    const parent =
      identity.parent_seq === null ? undefined : await getStep(db, identity.episode_id, identity.parent_seq);
    return beginStep(db, {
      identity,
      description: {
        step_key,
        kind: 'human',
        // A question is its role's own call; all else is the person's.
        agent: name === 'question' ? (parent?.agent ?? PERSON) : PERSON,
        node: name === 'question' ? 'tools' : PERSON,
        name: name === 'question' ? (call?.name ?? name) : name,
        input: { ...(await askedBy({ db, json }, open)), ...words },
        model: null,
        checkpoint_id: null,
        activity_id: '',
        span_id: spanIdOf(traceIdOf(namespace, identity.episode_id), identity.run_id, step_key),
      },
      tryer: null,
      freezeSpan,
    });
  };

  return {
    /**
     * Begins a person's step and shows what the episode does meanwhile: waiting, paused or running. In a re-run it returns the
     * answer that is on record, where one is: then nobody is waited for.
     */
    openPersonStep: heartbeating(async (open: PersonStep): Promise<PersonAnswer | null> => {
      const { step } = await begin(open);
      const { episode_id, seq } = open.step;
      const asks = open.name === 'question' || open.name === 'approval';
      const said = asks ? await recordedAnswers.saying(episode_id, open) : undefined;
      if (said) return { id: said.step_id, ...referTo(said), step: seq, approve: said.approve };
      await setEpisodeStatus(db, episode_id, WHILE_OPEN[open.name]);
      if (asks && step.status === 'running') await asked.raise(step);
      return null;
    }),

    /** What a person said between thoughts at this step of a re-run's record; null where the re-run has left its record. */
    hearRecorded: heartbeating(async ({ episode_id, seq, name }: RecordedWord): Promise<PersonMessage | null> => {
      const step = { episode_id, run_id: '', seq, parent_seq: null };
      const said = await recordedAnswers.saying(episode_id, { step, name, call: null });
      return said ? { id: said.step_id, ...referTo(said) } : null;
    }),

    /** Ends a person's step with what was said, and lets the episode run. */
    closePersonStep: heartbeating(async (open: PersonStep, end: PersonEnd): Promise<void> => {
      const { status, ...said } = PersonEnd.parse(end);
      const { author } = said;
      const text = await readWords(open.step.episode_id, said);
      const begun = await begin(open);
      if (begun.state === 'running') {
        const recorded = await recordedAnswers.saying(open.step.episode_id, open);
        const same = recorded?.author === author && (open.name === 'pause' || recorded.text === text);
        await endStep(db, {
          step: begun.step,
          attempt: 0,
          end: {
            status,
            output: { content: text, result: { author } },
            error: status === 'error' ? { code: 'permission_denied', message: `${author} declined: ${text}` } : null,
            usage: NO_USAGE,
            artifacts: [],
            workspace: null,
            search_text: text,
            served_from: recorded && same ? recorded.step_id : null,
          },
          freezeSpan,
        });
      }
      await asked.clear(open.step.episode_id, open.step.seq);
      await setEpisodeStatus(db, open.step.episode_id, 'running');
    }),
  };
}

/** What the call behind a person's step asks: a question's own arguments, or the call that is to be approved. */
async function askedBy(
  { db, json }: Pick<PeopleDeps, 'db' | 'json'>,
  { step, name, call }: PersonStep,
): Promise<JsonObject> {
  if (!call || step.parent_seq === null) return {};
  const { output } = await getStep(db, step.episode_id, step.parent_seq);
  const asked = ThoughtOutput.parse(await json.unpack(output)).tool_calls.find(({ id }) => id === call.id);
  return name === 'question' ? (asked?.args ?? {}) : { tool: call.name, args: asked?.args ?? {} };
}

/** What was said on record, as a history may carry it. */
const referTo = ({ author, step_id }: RecordedSaying): Said => ({ author, words: { step_id } });

/** How a person's step ends. */
const PersonEnd = z.object({
  author: z.string(),
  text: z.string().exactOptional(),
  words: z
    .union([
      z.object({ kind: z.enum(['message', 'answer', 'pause']), key: z.string() }),
      z.object({ step_id: z.string() }),
    ])
    .exactOptional(),
  status: z.enum(['ok', 'error']),
});
type PersonEnd = z.infer<typeof PersonEnd>;
