import { AIMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import type { JsonObject } from '../../schemas/primitives.ts';

/** A call that a role made, and its answer. `step` is its step's number; `failed`: it was refused or not possible. */
export type Answer = { step: number | null; name: string; args: JsonObject; content: string; failed: boolean };

/** The outcome of a simulation, as its answer says. */
export type ReadSimulation = {
  step: number | null;
  seed: number;
  success: boolean;
  /** "Goal achieved: …", or the failure's reason and detail. */
  outcome: string;
  /** Jittered spawns that succeeded, of how many. */
  robust: { of: number; succeeded: number };
};

/** The calls that a role made so far and their answers, in the order of asking. */
export function answersOf(messages: BaseMessage[], name?: string): Answer[] {
  const asked = new Map(
    messages
      .filter((message) => message instanceof AIMessage)
      .flatMap(({ tool_calls = [] }) => tool_calls.map((call) => [call.id, call.args as JsonObject] as const)),
  );
  return messages
    .filter((message) => message instanceof ToolMessage)
    .map((message) => ({
      step: typeof message.metadata?.['seq'] === 'number' ? message.metadata['seq'] : null,
      name: message.name ?? '',
      args: asked.get(message.tool_call_id) ?? {},
      content: message.text,
      failed: message.status === 'error',
    }))
    .filter((answer) => name === undefined || answer.name === name);
}

/** The answer to the last call of a tool, or undefined. */
export const lastAnswer = (messages: BaseMessage[], name: string): Answer | undefined =>
  answersOf(messages, name).at(-1);

/** The numbers of the steps that simulated, ascending, as listings of /renders show them: its folders are `sim-<step>`. */
export function simulatedSteps(messages: BaseMessage[]): number[] {
  const listings = answersOf(messages, 'list_files').filter(({ args }) => args['path'] === '/renders');
  const numbers = listings.flatMap(({ content }) =>
    [...content.matchAll(/^\/renders\/sim-(\d+)\/$/gm)].map(([, digits]) => Number(digits)),
  );
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}

/** The outcome of a call of `simulate`; undefined where nothing was simulated, as with a scene that does not compile. */
export function readSimulation({ step, args, content, failed }: Answer): ReadSimulation | undefined {
  const said = /^(?<outcome>.*) Robustness (?<succeeded>\d+)\/(?<of>\d+)\. Result: /s.exec(content)?.groups;
  if (failed || !said) return undefined;
  const outcome = said['outcome'] ?? '';
  return {
    step,
    seed: Number(args['seed'] ?? 0),
    success: outcome.startsWith('Goal achieved'),
    outcome,
    robust: { of: Number(said['of']), succeeded: Number(said['succeeded']) },
  };
}

/** The simulations that a role ran, in order. */
export const simulationsOf = (messages: BaseMessage[]): ReadSimulation[] =>
  answersOf(messages, 'simulate').flatMap((answer) => readSimulation(answer) ?? []);

/** Whether the last command ran and succeeded; false where commands are refused. */
export function commandSucceeded(messages: BaseMessage[]): boolean {
  const last = lastAnswer(messages, 'execute_command');
  return last !== undefined && ranWell(last);
}

/** Whether an `execute_command` ran and ended with exit code 0. */
export const ranWell = ({ content, failed }: Answer): boolean => !failed && content.startsWith('exit code 0\n');

/** What the last costing said: whether it is valid, and its sums, as "62.50 of 85.00 USD, 1523 of 1600 g". */
export function costingOf(messages: BaseMessage[]): { valid: boolean; sums: string } {
  const { content = '', failed = true } = lastAnswer(messages, 'validate_costing_and_price') ?? {};
  const [, verdict, sums] = /^(Valid|Not valid[^:]*): (.*)\.$/m.exec(content) ?? [];
  return { valid: !failed && verdict === 'Valid', sums: sums ?? 'cost and weight are not known' };
}
