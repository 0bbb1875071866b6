import type { Kysely } from 'kysely';
import { tellWords, WORDS_CHARS_MAX } from '../../db/write/words.ts';
import type { Word } from '../../agents/models/model.ts';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import type { Words } from '../../schemas/words.ts';
import type { Redactor } from '../../tracing/redaction.ts';

/** Words are told no more often than this: each time costs the database a transaction. */
const TELL_MS = 300;
/** So many notifications each time: what comes faster loses its beginning. */
const NOTICES_MAX = 8;
/** What a thought says beyond this is told when it has ended. In UTF-16 units of each kind. */
const TOLD_CHARS_MAX = 400_000;
/** Where patterns of the deployment's own may span several words, this much is held back until more has come. */
const HELD_CHARS = 500;

export type LiveWordsDeps = { db: Kysely<Database>; redactor: Redactor };

/** Hears a thought and tells whoever listens to its episode; disposed of, it tells nothing more. */
export type LiveWords = AsyncDisposable & { hear: (word: Word) => void };

/** Tells an attempt's words as they come, redacted as everything is; what cannot be told is dropped, for the record holds the whole. */
export function tellLive({ db, redactor }: LiveWordsDeps, step: Step, attempt: number): LiveWords {
  const raw = { text: '', reasoning: '' };
  const told = { text: '', reasoning: '' };
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let closed = false;

  const news = (kind: Words['kind']): Words[] => {
    if (!redactor.keeps(kind)) return [];
    const settled = redactor.text(raw[kind].slice(0, settledEnd(raw[kind], redactor.hasOwnPatterns ? HELD_CHARS : 0)));
    const begin = commonLength(told[kind], settled);
    if (begin === settled.length) return [];
    told[kind] = settled;
    const about = { step_id: step.id, seq: step.seq, attempt, kind };
    return slices(settled, begin).map(({ from, text }) => ({ ...about, from, text }));
  };
  const tell = () => {
    timer = undefined;
    if (sending) return schedule();
    const said = [...news('reasoning'), ...news('text')];
    if (said.length === 0) return;
    sending = tellWords(db, step.episode_id, said)
      .catch(() => {}) // The step's end is what counts, and it tells when the database is away.
      .finally(() => {
        sending = undefined;
      });
  };
  const schedule = () => {
    if (!closed) timer ??= setTimeout(tell, TELL_MS);
  };

  return {
    hear({ kind, text }) {
      if (raw[kind].length >= TOLD_CHARS_MAX) return;
      raw[kind] += text;
      schedule();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(timer);
      // What is told now is told before the step ends.
      await sending;
    },
  };
}

/** The end of what can be judged: a word that goes on may be the beginning of a secret, and secrets are of ASCII. */
function settledEnd(text: string, held: number): number {
  const end = Math.max(0, text.length - held);
  for (let at = end; at > 0; at -= 1) if (!/[!-~]/.test(text[at - 1] ?? '')) return at;
  return 0;
}

function commonLength(one: string, other: string): number {
  if (other.startsWith(one)) return one.length;
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

/** The text from a place on, in pieces that can be told; of more than can be told at once, the end. */
function slices(text: string, begin: number): { from: number; text: string }[] {
  const first = Math.max(begin, text.length - NOTICES_MAX * WORDS_CHARS_MAX);
  const count = Math.ceil((text.length - first) / WORDS_CHARS_MAX);
  return Array.from({ length: count }, (_, place) => {
    const from = first + place * WORDS_CHARS_MAX;
    return { from, text: text.slice(from, from + WORDS_CHARS_MAX) };
  });
}
