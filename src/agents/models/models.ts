import { AppError } from '../../errors.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { EndpointModel, ModelsConfig } from '../../schemas/model.ts';
import { NO_USAGE, ToolCall } from '../../schemas/step.ts';
import { Transcript } from '../../schemas/transcript.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import { findScript, listScripts } from '../scripts/scripts.ts';
import { createEndpointModel } from './endpoint.ts';
import type { Model } from './model.ts';
import { ScriptedModel } from './scripted.ts';
import type { Script } from './scripted.ts';

/** The models of a deployment. */
export type Models = {
  /** The name under which a thought of this model is recorded: the endpoint's own, where it is asked. */
  nameOf: (model: string) => string;
  /** The model that a role of an episode thinks with. */
  open: (episode: Episode, role: string) => Promise<Model>;
};

/** Plays its agent's script; `scripted:NAME` plays another one. */
const SCRIPTED = 'scripted';
/** Plays the transcript among the episode's inputs. */
const TRANSCRIPT = 'scripted:transcript';
const TRANSCRIPT_PATH = '/transcript.json';
/** The model that the configuration names as the one to take. */
const DEFAULT = 'default';
/** What the only endpoint may be called besides its name: what it speaks. */
const OPENAI = 'openai';

/** Throws failed_precondition, naming what there is, unless episodes may be started with this model. */
export function checkModel(name: string, models: ModelsConfig): void {
  if (name !== TRANSCRIPT && findEndpointModel(name, models) === undefined) scriptOf(name, models);
}

/** The models of this deployment: the scripts, and those of its endpoints. */
export function createModels(json: Pick<JsonStore, 'read'>, models: ModelsConfig): Models {
  return {
    nameOf: (model) => findEndpointModel(model, models)?.name ?? model,
    async open(episode, role) {
      const found = findEndpointModel(episode.model, models);
      if (found) return createEndpointModel(found);
      const isTranscript = episode.model === TRANSCRIPT;
      return play(isTranscript ? await transcriptOf(json, episode) : scriptOf(episode.model, models), role);
    },
  };
}

/**
 * The model of an endpoint that a name stands for: a configured one, `default`, or `ENDPOINT:NAME` for any other; where there is
 * one endpoint, any name. Undefined where it is a script's, or nobody's.
 */
export function findEndpointModel(model: string, models: ModelsConfig): EndpointModel | undefined {
  if (model === SCRIPTED || model.startsWith(`${SCRIPTED}:`)) return undefined;
  const plain = model.startsWith(`${OPENAI}:`) && model.slice(OPENAI.length + 1) === DEFAULT ? DEFAULT : model;
  if (plain === DEFAULT) return models.default === undefined ? undefined : findEndpointModel(models.default, models);
  if (Object.hasOwn(models.named, plain)) return models.named[plain];
  const targets = Object.values(models.endpoints);
  const [only] = targets.length === 1 ? targets : [];
  const target = targets.find(({ endpoint }) => plain.startsWith(`${endpoint}:`)) ?? only;
  if (!target) return undefined;
  const prefix = [target.endpoint, OPENAI].find((one) => plain.startsWith(`${one}:`));
  const name = prefix === undefined ? plain : plain.slice(prefix.length + 1);
  return name ? { ...target, name } : undefined;
}

function play(script: Pick<Script, 'name' | 'lines'>, role: string): Model {
  const model = new ScriptedModel(script, role);
  return {
    // A script answers what it heard: it must hear all of it.
    conversation_chars_max: Number.MAX_SAFE_INTEGER,
    sees_images: false,
    parameters: { script: script.name },
    async think(messages, { signal }) {
      const { text, tool_calls } = await model.invoke(messages, { signal }).catch((error: unknown) => {
        throw signal.aborted ? new AppError('cancelled', 'the script was told to stop') : error;
      });
      return { text, tool_calls: ToolCall.array().parse(tool_calls), usage: NO_USAGE };
    },
  };
}

function scriptOf(model: string, models: ModelsConfig) {
  const [kind, name] = model.split(':', 2);
  const script = kind === SCRIPTED ? findScript(name) : undefined;
  if (script) return script;
  const names = [SCRIPTED, TRANSCRIPT, ...listScripts().map((one) => `${SCRIPTED}:${one.name}`)];
  throw new AppError('failed_precondition', `no such model: there is ${names.join(', ')}${othersOf(models)}`);
}

function othersOf(models: ModelsConfig): string {
  const endpoints = Object.keys(models.endpoints);
  if (endpoints.length === 0)
    return '; MODEL_BASE_URL and MODEL_NAME, or models in observatory.config.ts, would add those of an endpoint';
  const own = models.default === undefined ? [] : [`${DEFAULT} (${findEndpointModel(models.default, models)?.name})`];
  const others = endpoints.map((endpoint) => `${endpoint}:NAME`);
  return `, ${[...own, ...Object.keys(models.named)].join(', ')} and ${others.join(', ')} for any model of the endpoint`;
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
