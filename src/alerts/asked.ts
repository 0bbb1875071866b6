import { describeOpenStep } from '../schemas/asked.ts';
import type { OpenStep } from '../schemas/asked.ts';
import type { Alerts } from './alerts.ts';

/** The alert that stands while an episode waits for a person. */
const PERSON_ASKED = 'person_asked';
/** What an alert repeats of a question or of a call's arguments, in UTF-16 units; `episodes show --step` has all of it. */
const WORDS_CHARS_MAX = 2_000;

/** Tells operators that somebody is waited for, and that this is over. Neither call ever throws. */
export type AskedChannel = {
  raise: (step: OpenStep) => Promise<void>;
  /** Without a step: whatever of this episode is still told of. */
  clear: (episodeId: string, seq?: number) => Promise<void>;
};

/** The channel over that of all alerts. `listOpen` names the subjects of this alert that begin so and stand. */
export function createAskedChannel(
  alerts: Alerts,
  listOpen: (name: string, beginning: string) => Promise<string[]>,
): AskedChannel {
  return {
    async raise(step) {
      const asked = describeOpenStep(step);
      if (!asked) return;
      const { sentence, words, commands } = asked;
      const shown = words.length > WORDS_CHARS_MAX ? `${words.slice(0, WORDS_CHARS_MAX).toWellFormed()} …` : words;
      await alerts.raise({
        name: PERSON_ASKED,
        subject: `${step.episode_id}/${step.seq}`,
        message: `${sentence} ${shown}\n${commands.join('\n')}`,
        facts: { episode_id: step.episode_id, step: String(step.seq), asked: shown, answer_with: commands[0] ?? '' },
      });
    },
    async clear(episodeId, seq) {
      const subject = `${episodeId}/${seq ?? ''}`;
      // A database that is away is told of by whoever needs it; the episode's end clears what is left.
      const open = seq === undefined ? await listOpen(PERSON_ASKED, subject).catch(() => []) : [subject];
      for (const each of open) await alerts.clear(PERSON_ASKED, each);
    },
  };
}
