import { describeOpenStep } from '../schemas/asked.ts';
import type { OpenStep } from '../schemas/asked.ts';
import type { Alerts } from './alerts.ts';

/** The alert that is open while an episode waits for a person. */
const PERSON_ASKED = 'person_asked';
/** What an alert repeats of a question or of a call's arguments, in UTF-16 units; `episodes show --step` has all of it. */
const WORDS_CHARS_MAX = 2_000;

/** Raises and clears the alert that an episode waits for a person. Neither call ever throws. */
export type AskedChannel = {
  raise: (step: OpenStep) => Promise<void>;
  /** Without a step: all open ones of this episode. */
  clear: (episodeId: string, seq?: number) => Promise<void>;
};

/** The channel over that of all alerts. `listOpen` names the subjects with this beginning for which the alert is open. */
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
      // That the database is away is reported by whoever needs it; the episode's end clears what is left.
      const open = seq === undefined ? await listOpen(PERSON_ASKED, subject).catch(() => []) : [subject];
      for (const each of open) await alerts.clear(PERSON_ASKED, each);
    },
  };
}
