import { ApplicationFailure, condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { EpisodeActivities } from '../activities/episode/episode.ts';
import type { StepIdentity } from '../schemas/step.ts';
import type { CallRef, EpisodeProgress, PersonAnswer, PersonMessage, PersonStep, Said } from '../schemas/turn.ts';
import { RECORD } from './activity-options.ts';
import { answerUpdate, messageUpdate, pauseSignal, resumeSignal } from './messages.ts';
import { messageStepKey } from './names.ts';
import { settle } from './settle.ts';

const { openPersonStep, closePersonStep, hearRecorded } = proxyActivities<EpisodeActivities>(RECORD);

/** Messages that may wait for the next thought. */
const MESSAGES_MAX = 100;

/** What people do in a run of an episode, received as signals and updates and recorded as steps of kind `human`. */
export type People = {
  /** Records what people said since the last thought, and waits while the episode is paused. */
  attend(): Promise<void>;
  /** Waits for a person's answer to a question or an approval; returns it once it is on record. */
  answered(
    call: CallRef,
    options: { key: string; parent_seq: number; name: 'question' | 'approval' },
  ): Promise<PersonAnswer>;
  /** Refuses all further messages. */
  close: () => void;
};

/** Listens to people for one run. `next` numbers the steps that they cause. */
export function listenToPeople(progress: EpisodeProgress, next: (parent_seq?: number) => StepIdentity): People {
  const mail = receiveMail(progress);
  const { waiting, answers } = mail;

  return {
    async attend() {
      if (progress.recorded_words?.length) await hearRecord(progress, next);
      while (progress.messages.length > 0 || progress.paused) {
        const message = progress.messages.shift();
        const step = next();
        if (message) {
          await say(message, step);
          continue;
        }
        const { reason, ...by } = progress.paused ?? { author: '' };
        const { author } = by;
        const said = { ...by, ...(reason !== undefined && { text: reason }) };
        const paused_ms = Date.now();
        await record({ step, step_key: `pause:${step.seq}`, name: 'pause', call: null, said }, async () => {
          await condition(() => progress.paused === null);
          return { said: { author, text: 'resumed' }, status: 'ok' };
        });
        progress.started_ms += Date.now() - paused_ms; // people's time is not the agents'
      }
    },
    async answered(call, { key, parent_seq, name }) {
      const step = next(parent_seq);
      const asked_ms = Date.now();
      waiting.add(step.seq);
      const step_key = name === 'question' ? key : `${key}:approval`;
      const answer = await record({ step, step_key, name, call, said: null }, async (recorded) => {
        if (!recorded) await condition(() => answers.has(step.seq));
        const said = recorded ?? answers.get(step.seq);
        if (!said) throw ApplicationFailure.nonRetryable(`step ${step.seq} has no answer`, 'internal');
        return { said, status: name === 'approval' && !said.approve ? 'error' : 'ok' };
      });
      waiting.delete(step.seq);
      progress.started_ms += Date.now() - asked_ms;
      return answer;
    },
    close: mail.close,
  };
}

const say = ({ id, ...said }: PersonMessage, step: StepIdentity) =>
  record({ step, step_key: messageStepKey(id), name: 'message', call: null, said }, () =>
    Promise.resolve({ said, status: 'ok' }),
  );

/** In a re-run, repeats what people sent at this place of the record: a message is delivered again, a pause is over at once. */
async function hearRecord(progress: EpisodeProgress, next: () => StepIdentity): Promise<void> {
  const words = progress.recorded_words ?? [];
  while (words[0]?.seq === progress.seq + 1) {
    const [word] = words.splice(0, 1);
    if (!word) return;
    const recorded = await hearRecorded.executeWithOptions({ summary: `${word.seq} · recorded ${word.name}` }, [word]);
    if (!recorded) words.length = 0;
    else if (word.name === 'message') await say(recorded, next());
    else {
      const { author } = recorded;
      const over = { said: { author, text: 'resumed' }, status: 'ok' as const };
      const open = { step: next(), step_key: `pause:${word.seq}`, name: 'pause' as const, call: null };
      await record({ ...open, said: recorded }, () => Promise.resolve(over));
    }
  }
}

/** Runs one step of a person's: open while `until` is awaited, then ended with what came of it. */
async function record<T extends Said>(
  open: PersonStep,
  until: (recorded: PersonAnswer | null) => Promise<{ said: T; status: 'ok' | 'error' }>,
): Promise<T> {
  const summary = `${open.step.seq} · ${open.name}`;
  try {
    const recorded = await openPersonStep.executeWithOptions({ summary }, [open]);
    const { said, status } = await until(recorded);
    await closePersonStep.executeWithOptions({ summary }, [open, { ...said, status }]);
    return said;
  } catch (error) {
    // Also when it comes while the step is opened or closed: the step may be on record by then, and open.
    await settle(open.step, { step_key: open.step_key, kind: 'human', name: open.name }, error);
    throw error;
  }
}

/** What people sent to this run: messages and pauses go into `progress`, answers to the steps that wait for them. */
function receiveMail(progress: EpisodeProgress) {
  const waiting = new Set<number>();
  const answers = new Map<number, PersonAnswer>();
  let over = false;
  const refuse = (message: string) => ApplicationFailure.nonRetryable(message, 'failed_precondition');
  setHandler(pauseSignal, (asked) => {
    progress.paused ??= asked;
  });
  setHandler(resumeSignal, () => {
    progress.paused = null;
  });
  const receive = (message: PersonMessage) => {
    if (!progress.messages.some(({ id }) => id === message.id)) progress.messages.push(message);
  };
  const checkRoom = (_message: PersonMessage) => {
    if (over) throw refuse('the episode has ended');
    if (progress.messages.length >= MESSAGES_MAX) throw refuse(`${MESSAGES_MAX} messages already wait to be delivered`);
  };
  setHandler(messageUpdate, receive, { validator: checkRoom });
  const take = (answer: PersonAnswer) => {
    answers.set(answer.step, answer);
  };
  const isAwaited = ({ step }: PersonAnswer) => {
    if (!waiting.has(step) || answers.has(step)) throw refuse(`step ${step} waits for no answer`);
  };
  setHandler(answerUpdate, take, { validator: isAwaited });
  const close = () => {
    over = true;
  };
  return { waiting, answers, close };
}
