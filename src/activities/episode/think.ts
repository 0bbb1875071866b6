import type { BaseMessage } from '@langchain/core/messages';
import type { Kysely } from 'kysely';

import { buildConversation } from '../../agents/conversation.ts';
import { compact } from '../../agents/models/compaction.ts';
import { showImages } from '../../agents/models/images.ts';
import type { Model, Said, ToolDescription } from '../../agents/models/model.ts';
import type { Models } from '../../agents/models/models.ts';
import type { Role } from '../../agents/role.ts';
import { describeTool, turnEndingTools } from '../../agents/tools/registry.ts';
import type { Tool } from '../../agents/tools/tool.ts';
import { readSpent } from '../../db/read/spent.ts';
import { listTranscript } from '../../db/read/transcript.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { Compaction, SeenImage, Step, StepIdentity, ThoughtOutput } from '../../schemas/step.ts';
import { STEP_DETAILS } from '../../schemas/thought.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { toTraceConversation, toTraceMessage } from '../../tracing/capture.ts';
import type { Redactor } from '../../tracing/redaction.ts';
import type { AttemptContext, RecordStep, StepResult, StepSubject } from '../record/recorder.ts';
import { hashOfAsked } from './recorded-answers.ts';
import type { RecordedAnswers } from './recorded-answers.ts';
import { tellLive } from './live-words.ts';
import type { LiveWords } from './live-words.ts';
import { withinWallTime } from '../record/wall-time.ts';

export type ThinkDeps = {
  db: Kysely<Database>;
  json: JsonStore;
  store: Pick<ObjectStore, 'stat' | 'readBytes'>;
  recordStep: RecordStep;
  recordedAnswers: RecordedAnswers;
  models: Models;
  registry: ReadonlyMap<string, Tool>;
  redactor: Redactor;
};

/** A conversation that its model calls too long is shortened to this part of what there is room for: counts differ a little. */
const ROOM_SHARE = 0.9;

/** The thought that is to be had: whose, and at which place of the episode and of its graph. */
export type Thinking = {
  episode: Episode;
  role: Role;
  identity: StepIdentity;
  step_key: string;
  checkpoint_id: string;
  /** How much of the episode's wall time is left for all of its tries; undefined: as much as it likes. */
  left_ms: number | undefined;
};

/** Has a role's model think about its conversation as the record holds it, or takes the recorded answer; recorded as a step. */
export function recordThought(
  deps: ThinkDeps,
  { episode, role, identity, step_key, checkpoint_id, left_ms }: Thinking,
): Promise<Step> {
  const { db, json, models, recordStep, recordedAnswers } = deps;
  const subject: StepSubject = {
    step_key,
    kind: 'thought',
    agent: role.name,
    node: role.name,
    name: 'think',
    // The conversation is what the record holds of this role up to here: said by number, not copied.
    input: { role: role.name, conversation_before: identity.seq, tools: [...role.tools] },
    model: models.nameOf(episode.model),
    checkpoint_id,
  };
  return recordStep(identity, subject, async (context) => {
    const steps = await listTranscript(db, {
      episode_id: episode.id,
      agent: role.name,
      before: identity.seq,
      turn_ending: turnEndingTools(),
    });
    const conversation = await buildConversation({ episode, role, steps }, json);
    const asked_sha256 = hashOfAsked({ messages: conversation.map(toTraceMessage), tools: [...role.tools] });
    const recorded = await recordedAnswers.take(episode, context, asked_sha256);
    if (recorded) return { ...recorded, model_input: { messages: toTraceConversation(conversation), parameters: {} } };
    const model = await models.open(episode, role.name);
    const tools = role.tools.flatMap((name) => deps.registry.get(name) ?? []).map(describeTool);
    const { said, shown, compaction, images } = await askLive(deps, context, { model, conversation, tools, left_ms });
    const model_input = { messages: toTraceConversation(shown), parameters: model.parameters };
    return { ...resultOf(said, { compaction, images }, context), asked_sha256, model_input };
  });
}

type Asking = { model: Model; conversation: BaseMessage[]; tools: ToolDescription[] };
type Asked = { said: Said; shown: BaseMessage[]; compaction: Compaction | undefined; images: SeenImage[] };

/** Asks the model within the wall time that is left for all tries of its thought, and tells its words as they come. */
export async function askLive(
  deps: ThinkDeps,
  context: AttemptContext,
  { left_ms, ...asking }: Asking & Pick<Thinking, 'left_ms'>,
): Promise<Asked> {
  const { step, attempt, log } = context;
  const spent_ms = attempt > 1 ? await readSpent(deps.db, step.id) : 0;
  const time = { left_ms: left_ms === undefined ? undefined : left_ms - spent_ms, signal: context.signal };
  await using live = tellLive(deps, step, attempt);
  return await withinWallTime(time, (signal) => ask(deps, { ...asking, log, signal, hear: live.hear }));
}

type Listening = Pick<AttemptContext, 'log' | 'signal'> & Pick<LiveWords, 'hear'>;

/** Asks the model; where it refuses the conversation as too long, once more with a shorter one. */
async function ask(
  deps: ThinkDeps,
  { model, conversation, tools, log, signal, hear }: Asking & Listening,
): Promise<Asked> {
  const think = async (charsMax: number): Promise<Asked> => {
    const { messages: shown, length, compaction } = compact(conversation, charsMax);
    if (length > charsMax)
      log.write(
        'system',
        `the conversation has ${length} characters, and cannot be shortened to ${charsMax}`,
        'warning',
      );
    const seen = model.sees_images ? await showImages(shown, deps.store) : { messages: shown, images: [] };
    const said = await model.think(seen.messages, { tools, signal, hear });
    return { said, shown, compaction, images: seen.images };
  };
  const charsMax = model.conversation_chars_max;
  try {
    return await think(charsMax);
  } catch (thrown) {
    const { details, message } = AppError.from(thrown);
    const share = details['context_share'];
    if (typeof share !== 'number' || signal.aborted) throw thrown;
    const { length } = compact(conversation, charsMax);
    const room = Math.floor(length * share * ROOM_SHARE);
    if (compact(conversation, room).length >= length) throw thrown; // nothing is left that could be shortened
    log.write('system', `${message}; asked again with at most ${room} of ${length} characters`, 'warning');
    return think(room);
  }
}

/** What the thought's step ends with. */
export function resultOf(
  { usage, ...words }: Said,
  { compaction, images }: Pick<Asked, 'compaction' | 'images'>,
  { log }: Pick<AttemptContext, 'log'>,
): StepResult {
  const spoken = words.text || words.refusal;
  if (spoken) log.write('agent', spoken);
  const output: ThoughtOutput = {
    ...words,
    ...(compaction && { compaction }),
    ...(images.length > 0 && { images }),
  };
  return {
    output,
    usage,
    ...(spoken && { search_text: spoken }),
    ...(words.end && { status_detail: STEP_DETAILS[words.end] }),
  };
}
