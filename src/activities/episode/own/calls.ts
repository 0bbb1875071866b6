import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import type { Noted, RunningPass } from '../../../agents/own/pass.ts';
import type { OwnTeam } from '../../../agents/own/tools.ts';
import { argumentsOf } from '../../../agents/own/tools.ts';
import { listThoughts } from '../../../db/read/transcript.ts';
import type { Episode } from '../../../schemas/episode.ts';
import { storableJson } from '../../../schemas/primitives.ts';
import type { Json, JsonObject } from '../../../schemas/primitives.ts';
import { ThoughtOutput } from '../../../schemas/step.ts';
import type { Step, ToolCall } from '../../../schemas/step.ts';
import type { AdvanceRequest, CallRef } from '../../../schemas/turn.ts';
import { hashOfCall } from './record.ts';
import type { OwnRecord, OwnRecordDeps } from './record.ts';

/** The tool under whose name a graph's own question is asked. */
const QUESTION = 'ask_person';
/** What Temporal's UI shows of a call is cut here; the whole is in the record. */
const SUMMARY_CHARS_MAX = 100;
/** So far back a call's thought is looked for: it is among the last ones, also where many think side by side. */
const THOUGHTS_MAX = 50;

/** A question of the graph's own `interrupt()`. */
export type Question = { id: string; key: string; value: unknown };

/** The questions that a pass came to, each with its key: which of its task's questions it is, by those answered before. */
export async function listQuestions(
  checkpointer: BaseCheckpointSaver,
  { watch, keyOf }: RunningPass,
  { thread_id, checkpoint_id }: { thread_id: string; checkpoint_id: string },
): Promise<Question[]> {
  const questions: Question[] = [];
  for (const { id, checkpoint_ns, value } of watch.interrupts) {
    const parts = checkpoint_ns.split('|');
    const task = parts.at(-1)?.split(':').at(-1);
    const parent = parts.slice(0, -1).join('|');
    const where = { thread_id, checkpoint_ns: parent, ...(parent === '' && { checkpoint_id }) };
    const { pendingWrites = [] } = (await checkpointer.getTuple({ configurable: where })) ?? {};
    const given = pendingWrites.findLast(([of, channel]) => of === task && channel === '__resume__')?.[2];
    const { key } = keyOf(checkpoint_ns, 'interrupt', (Array.isArray(given) ? given.length : 0) + 1);
    questions.push({ id, key, value });
  }
  return questions;
}

type Work = {
  request: AdvanceRequest;
  episode: Episode;
  team: OwnTeam;
  number: { step: Step | undefined };
};
type Waiting = { pass: RunningPass; record: OwnRecord; questions: Question[]; base: string };

/**
 * The calls that a superstep waits for, as the workflow runs them. What a thought asked for hangs below it; all else is put
 * on record by a step of its own under the activity's number, or, where a thought has taken that, by the next activity.
 */
export async function placeCalls(deps: OwnRecordDeps, work: Work, waiting: Waiting): Promise<CallRef[]> {
  const { record } = waiting;
  const { number, request } = work;
  const noted = waiting.pass.noted();
  const calls: CallRef[] = [];
  const rest: Asked[] = [];
  const thoughts = noted.some(({ id }) => id !== undefined) ? await thoughtsBefore(deps, request) : [];
  for (const call of noted) {
    const thought = thoughts.findLast(({ said }) => said.some((one) => isSame(one, call, work.team)));
    const { id = '' } = call;
    if (thought) calls.push(refOf(work, record, { ...call, id, parent_seq: thought.seq }));
    else rest.push({ ...call, id: call.key });
  }
  for (const { key, value } of waiting.questions) rest.push({ key, id: key, name: QUESTION, args: questionOf(value) });
  if (rest.length === 0 || (number.step && number.step.kind !== 'system')) return calls;
  number.step = await recordCalls(deps, work, { asked: rest, checkpoint_id: waiting.base });
  const told = ThoughtOutput.parse(await deps.json.unpack(number.step.output)).tool_calls;
  const { seq } = number.step;
  return [...calls, ...told.map((call) => refOf(work, record, { ...call, key: call.id, parent_seq: seq }))];
}

type Asked = Pick<Noted, 'key' | 'name' | 'args'> & { id: string };

async function thoughtsBefore({ db, json }: OwnRecordDeps, { step: { episode_id, seq } }: AdvanceRequest) {
  const steps = await listThoughts(db, { episode_id, seq, limit: THOUGHTS_MAX });
  return Promise.all(
    steps.map(async (step) => ({
      seq: step.seq,
      said: ThoughtOutput.parse(await json.unpack(step.output)).tool_calls,
    })),
  );
}

/** Whether a thought's call is the one that the graph makes: what lies between may have changed its arguments. */
function isSame(said: ToolCall, { id, name, args }: Noted, { recorded }: OwnTeam): boolean {
  if (said.id !== id || said.name !== name) return false;
  const tool = recorded.get(name);
  const hash = hashOfCall(name, args);
  const meant = tool && argumentsOf(tool, said.args);
  return hashOfCall(name, said.args) === hash || (meant !== undefined && hashOfCall(name, meant as Json) === hash);
}

const questionOf = (value: unknown): JsonObject => ({
  question: typeof value === 'string' ? value : JSON.stringify(value ?? null),
  choices: [],
});

function refOf(
  { episode, team }: Work,
  record: OwnRecord,
  { id, key, name, args, parent_seq }: Asked & { parent_seq: number },
): CallRef {
  const brought = team.brought.get(name);
  const human = name === QUESTION;
  return {
    id,
    name,
    kind: human ? 'human' : 'tool_call',
    ask:
      !human && (episode.approvals[name] === 'ask' || (brought?.ask === true && episode.approvals[name] === undefined)),
    read_only: brought?.tool.read_only ?? false,
    summary: `${name} ${brought?.tool.subject(args) ?? ''}`.trim().slice(0, SUMMARY_CHARS_MAX),
    place: { key, parent_seq, asked_sha256: hashOfCall(name, args), decided: human ? null : record.decidedOn(key) },
  };
}

/** Puts on record what a superstep asks for that no thought asked for: its calls find there what they are given. */
function recordCalls(
  deps: OwnRecordDeps,
  { request, team, episode }: Work,
  { asked, checkpoint_id }: { asked: Asked[]; checkpoint_id: string },
): Promise<Step> {
  const [first] = asked;
  const superstep = Number.parseInt(first?.key ?? '0', 10);
  const { name: agent } = team.agent;
  const subject = {
    step_key: `${superstep}/calls#${request.step.seq}`,
    kind: 'system' as const,
    agent,
    node: 'superstep',
    name: 'superstep',
    input: { superstep },
    model: null,
    checkpoint_id,
  };
  const tool_calls = asked.map(({ id, name, args }) => ({ id, name, args: storableJson(args as Json) as JsonObject }));
  return deps.recordStep(request.step, subject, async (context) => {
    const asked_sha256 = hashOfCall('superstep', tool_calls);
    const recorded = await deps.recordedAnswers.take(episode, context, asked_sha256);
    return recorded ?? { output: { text: '', tool_calls }, asked_sha256 };
  });
}
