import { messageOf } from '../../../agents/conversation.ts';
import type { Models } from '../../../agents/models/models.ts';
import { answerOf } from '../../../agents/own/tools.ts';
import type { Asking, ModelAsk, PassRecord } from '../../../agents/own/pass.ts';
import type { OwnTeam } from '../../../agents/own/tools.ts';
import { listSuperstep } from '../../../db/read/transcript.ts';
import { AppError } from '../../../errors.ts';
import type { Episode } from '../../../schemas/episode.ts';
import type { Json } from '../../../schemas/primitives.ts';
import { storableJson } from '../../../schemas/primitives.ts';
import { ThoughtOutput, ToolOutput } from '../../../schemas/step.ts';
import type { Step } from '../../../schemas/step.ts';
import type { AdvanceRequest, PersonAnswer } from '../../../schemas/turn.ts';
import { toTraceConversation, toTraceMessage } from '../../../tracing/capture.ts';
import { hashOfAsked } from '../recorded-answers.ts';
import { askLive, resultOf } from '../think.ts';
import type { ThinkDeps } from '../think.ts';

export type OwnRecordDeps = ThinkDeps & { models: Models };

/** The record of one superstep, as its passes use it. */
export type OwnRecord = PassRecord & {
  /** What a person answered to the question with this key. */
  sayingAt: (key: string) => unknown;
  /** What a person decided on the call with this key. */
  decidedOn: (key: string) => PersonAnswer | null;
};

type Opening = {
  episode: Episode;
  team: OwnTeam;
  request: AdvanceRequest;
  superstep: number;
  checkpoint_id: string;
  number: { step: Step | undefined };
};

/** What a tool is asked, hashed: the arguments are those that its graph gives, in whatever order the record holds them. */
export const hashOfCall = (name: string, args: Json): string => hashOfAsked({ name, args: sorted(storableJson(args)) });

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Opens the record of a superstep: the line's answers by their keys, and the one number for a thought without one. */
export async function openRecord(deps: OwnRecordDeps, opening: Opening): Promise<OwnRecord> {
  const { episode, superstep, request, number } = opening;
  const before = request.step.seq;
  const steps = await listSuperstep(deps.db, { episode_id: episode.id, superstep, before });
  const known = new Map(steps.map((step) => [step.step_key, step]));
  const outputs = new Map<string, Json | null>();
  for (const { step_key, output } of steps) outputs.set(step_key, await deps.json.unpack(output));
  let taken = number.step?.step_key;
  return {
    async think(asking, asked) {
      const { key } = asking;
      const asked_sha256 = hashOfThought(asked);
      const step = known.get(key);
      if (step) requireSame(step, asked_sha256, asking);
      if (step?.status === 'ok') return messageOf(step, ThoughtOutput.parse(outputs.get(key)));
      if (taken !== undefined && taken !== key) return undefined;
      taken = key;
      const thought = await recordThought(deps, opening, { ...asking, ...asked, asked_sha256 });
      requireSame(thought, asked_sha256, asking);
      number.step = thought;
      return messageOf(thought, ThoughtOutput.parse(await deps.json.unpack(thought.output)));
    },
    answer(asking, { name, args }) {
      const step = known.get(asking.key);
      if (!step) return Promise.resolve(undefined);
      requireSame(step, hashOfCall(name, args), asking);
      const output = ToolOutput.parse(outputs.get(asking.key));
      return Promise.resolve(
        step.status === 'ok' ? answerOf(output) : { error: step.error?.message ?? output.content },
      );
    },
    sayingAt(key) {
      const step = known.get(key);
      if (step?.kind !== 'human' || step.status !== 'ok') return undefined;
      return meantBy(ToolOutput.parse(outputs.get(key)).content);
    },
    decidedOn(key) {
      const step = known.get(`${key}:approval`);
      if (!step) return null;
      const { content: text, result } = ToolOutput.parse(outputs.get(step.step_key));
      const author = result?.['author'];
      const { id, seq, status } = step;
      return { id, author: typeof author === 'string' ? author : '', step: seq, approve: status === 'ok', text };
    },
  };
}

/** Throws failed_precondition that names both questions where the recorded one was another. */
function requireSame({ seq, asked_sha256 }: Step, sha256: string, { key }: Asking): void {
  if (asked_sha256 === sha256) return;
  throw new AppError(
    'failed_precondition',
    `${key} asks another question (${sha256}) than step ${seq} has on record (${asked_sha256}): the graph must ask the same when its superstep runs again`,
  );
}

const hashOfThought = ({ messages, tools }: ModelAsk): string =>
  hashOfAsked({ messages: messages.map(toTraceMessage), tools: storableJson(tools as unknown as Json) });

/** A person's answer as a graph gets it: an object or list where it is written as one, else the text. */
function meantBy(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // it only begins like JSON
  }
}

/** Has the model think, recorded under the activity's number. */
function recordThought(
  deps: OwnRecordDeps,
  { episode, team, request, checkpoint_id }: Opening,
  { key, path, messages, tools, choice, asked_sha256 }: Asking & ModelAsk & { asked_sha256: string },
): Promise<Step> {
  const thinking = choice.model === undefined ? episode : { ...episode, model: choice.model };
  const agent = choice.as ?? team.agent.name;
  const told = messages.map(toTraceMessage);
  const subject = {
    step_key: key,
    kind: 'thought' as const,
    agent,
    node: path,
    name: 'think',
    // Channels can hold any messages, so what was asked is kept whole.
    input: { role: agent, messages: told, tools: tools.map((tool) => tool.function.name) },
    model: deps.models.nameOf(thinking.model),
    checkpoint_id,
  };
  return deps.recordStep(request.step, subject, async (context) => {
    const recorded = await deps.recordedAnswers.take(episode, context, asked_sha256);
    const model_input = { messages: toTraceConversation(messages), parameters: {} };
    if (recorded) return { ...recorded, model_input };
    const model = await deps.models.open(thinking, agent);
    const asking = { model, conversation: messages, tools, left_ms: request.left_ms };
    const { said, shown, compaction, images } = await askLive(deps, context, asking);
    return {
      ...resultOf(said, { compaction, images }, context),
      asked_sha256,
      model_input: { messages: toTraceConversation(shown), parameters: model.parameters },
    };
  });
}
