import type { Kysely } from 'kysely';
import { findStepById } from '../../db/read/steps.ts';
import { hearWords } from '../../db/write/person-words.ts';
import type { Database } from '../../schemas/database.ts';
import { ToolOutput } from '../../schemas/step.ts';
import type { Step } from '../../schemas/step.ts';
import type { Said } from '../../schemas/turn.ts';
import type { JsonStore } from '../../storage/json-store.ts';

/** What is read where the words are gone: the record was restored from before they were said, or was deleted. */
export const LOST_WORDS = '(lost: the record no longer has these words)';

/** Reads what a person said to an episode, wherever the words stand. */
export type ReadWords = (episodeId: string, said: Said) => Promise<string>;

/** Makes the function that reads what people said. */
export function createReadWords({ db, json }: { db: Kysely<Database>; json: Pick<JsonStore, 'unpack'> }): ReadWords {
  return async (episodeId, { words, text = '' }) => {
    if (!words) return text;
    if (!('step_id' in words)) return (await hearWords(db, episodeId, words)) ?? LOST_WORDS;
    const step = await findStepById(db, words.step_id);
    return (step && (await wordsOfStep(json, step))?.text) ?? LOST_WORDS;
  };
}

/** What a person said in a step, and who it was; undefined where it was cancelled before anybody spoke. */
export async function wordsOfStep(
  json: Pick<JsonStore, 'unpack'>,
  { name, input, output }: Pick<Step, 'name' | 'input' | 'output'>,
): Promise<{ author: string; text: string } | undefined> {
  const said = ToolOutput.safeParse(await json.unpack(output)).data;
  const author = said?.result?.['author'];
  if (!said || typeof author !== 'string') return undefined;
  return { author, text: name === 'pause' ? reasonIn(input) : said.content };
}

/** Why a pause was asked for stands in its input; how it ended, in its output. */
function reasonIn(input: Step['input']): string {
  const text = input && typeof input === 'object' && !Array.isArray(input) ? input['text'] : '';
  return typeof text === 'string' ? text : '';
}
