import { AppError } from '../../errors.ts';
import type { Episode } from '../../schemas/episode.ts';
import { ToolCall, NO_USAGE } from '../../schemas/step.ts';
import { Transcript } from '../../schemas/transcript.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import { findScript, listScripts } from '../scripts/scripts.ts';
import { createEndpointModel } from './endpoint.ts';
import type { ModelEndpoint } from './endpoint.ts';
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
/** Before a model's name at the endpoint; a name that is none of a script may stand alone. */
const ENDPOINT_PREFIX = 'openai:';
/** The endpoint's model that the configuration names. */
const DEFAULT = 'default';

/** Throws failed_precondition, naming what there is, unless episodes may be started with this model. */
export function checkModel(name: string, endpoint: Pick<ModelEndpoint, 'name'> | undefined): void {
  if (name !== TRANSCRIPT && endpointName(name, endpoint) === undefined) scriptOf(name, endpoint);
}

/** The models of this deployment: the scripts, and those of the endpoint where one is configured. */
export function createModels(json: Pick<JsonStore, 'read'>, endpoint: ModelEndpoint | undefined): Models {
  return {
    nameOf: (model) => endpointName(model, endpoint) ?? model,
    async open(episode, role) {
      const name = endpointName(episode.model, endpoint);
      if (endpoint && name !== undefined) return createEndpointModel(endpoint, name);
      const isTranscript = episode.model === TRANSCRIPT;
      return play(isTranscript ? await transcriptOf(json, episode) : scriptOf(episode.model, endpoint), role);
    },
  };
}

/** The model's name at the endpoint; undefined where there is none or the name is of a script. */
function endpointName(model: string, endpoint: Pick<ModelEndpoint, 'name'> | undefined): string | undefined {
  if (!endpoint || model === SCRIPTED || model.startsWith(`${SCRIPTED}:`)) return undefined;
  const name = model.startsWith(ENDPOINT_PREFIX) ? model.slice(ENDPOINT_PREFIX.length) : model;
  return name === DEFAULT ? endpoint.name : name || undefined;
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
      return {
        text,
        tool_calls: ToolCall.array().parse(tool_calls),
        usage: NO_USAGE,
      };
    },
  };
}

function scriptOf(model: string, endpoint: Pick<ModelEndpoint, 'name'> | undefined) {
  const [kind, name] = model.split(':', 2);
  const script = kind === SCRIPTED ? findScript(name) : undefined;
  if (script) return script;
  const names = [SCRIPTED, TRANSCRIPT, ...listScripts().map((one) => `${SCRIPTED}:${one.name}`)];
  const others = endpoint
    ? `, ${DEFAULT} (${endpoint.name}) and ${ENDPOINT_PREFIX}NAME for any model of the endpoint`
    : '; MODEL_BASE_URL and MODEL_NAME would add those of an endpoint';
  throw new AppError('failed_precondition', `no such model: there is ${names.join(', ')}${others}`);
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
