import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AppError } from '../../../errors.ts';
import type { Episode } from '../../../schemas/episode.ts';
import { Transcript } from '../../../schemas/transcript.ts';
import type { JsonStore } from '../../json-store.ts';
import { findScript, listScripts } from '../scripts/scripts.ts';
import { ScriptedModel } from './scripted.ts';

/** The model that a role of an episode thinks with. */
export type ModelOf = (episode: Episode, role: string) => Promise<BaseChatModel>;

/** Plays its agent's script; `scripted:NAME` plays another one. */
const SCRIPTED = 'scripted';
/** Plays the transcript among the episode's inputs. */
const TRANSCRIPT = 'scripted:transcript';
const TRANSCRIPT_PATH = '/transcript.json';

/** Throws invalid_argument, naming what there is, unless episodes may be started with this model. */
export function checkModel(name: string): void {
  if (name !== TRANSCRIPT) scriptOf(name);
}

/** The models of this deployment. */
export function createModels(json: Pick<JsonStore, 'read'>): ModelOf {
  return async (episode, role) => {
    const script = episode.model === TRANSCRIPT ? await transcriptOf(json, episode) : scriptOf(episode.model);
    return new ScriptedModel(script, role);
  };
}

function scriptOf(model: string) {
  const [kind, name] = model.split(':', 2);
  const script = kind === SCRIPTED ? findScript(name) : undefined;
  if (script) return script;
  const names = [SCRIPTED, TRANSCRIPT, ...listScripts().map((one) => `${SCRIPTED}:${one.name}`)];
  throw new AppError('invalid_argument', `no model "${model}": there is ${names.join(', ')}`);
}

async function transcriptOf(json: Pick<JsonStore, 'read'>, { inputs }: Episode) {
  const input = inputs.find(({ path }) => path === TRANSCRIPT_PATH);
  if (!input)
    throw new AppError(
      'failed_precondition',
      `the model ${TRANSCRIPT} plays the input ${TRANSCRIPT_PATH}, which is missing`,
    );
  const transcript = Transcript.safeParse(await json.read(input.sha256));
  if (transcript.success) return { name: TRANSCRIPT_PATH, lines: transcript.data.lines };
  const [issue] = transcript.error.issues;
  throw new AppError('invalid_argument', `${TRANSCRIPT_PATH}: ${issue?.path.join('.')}: ${issue?.message}`);
}
