import { setTimeout as wait } from 'node:timers/promises';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import { AppError } from '../../errors.ts';
import type { TranscriptLine } from '../../schemas/transcript.ts';

/** A written part: a line as it stands, or one that depends on what was heard so far. */
export type ScriptedLine = TranscriptLine | ((heard: BaseMessage[]) => TranscriptLine);

/** A written episode: what each role says, thought by thought. */
export type Script = {
  name: string;
  description: string;
  lines: Record<string, readonly ScriptedLine[]>;
  /** The input that it was written for, as the SHA-256 of the file at its path, and the folder where that lies. */
  plays: Readonly<Record<string, string>>;
  example: string;
};

/**
 * Plays one role of a script through the real graph and tools. Which line comes next follows from the conversation alone,
 * so a second try says the same. Throws failed_precondition where the script has no line left.
 */
export class ScriptedModel extends BaseChatModel {
  readonly #script: Pick<Script, 'name' | 'lines'>;
  readonly #role: string;

  constructor(script: Pick<Script, 'name' | 'lines'>, role: string) {
    super({});
    this.#script = script;
    this.#role = role;
  }

  override _llmType(): string {
    return 'scripted';
  }

  override bindTools(): this {
    return this; // it knows its lines; the tools are the graph's business
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const place = messages.filter((message) => message instanceof AIMessage).length;
    const line = this.#script.lines[this.#role]?.[place];
    if (!line) {
      const where = `line ${place + 1} for ${this.#role}`;
      throw new AppError('failed_precondition', `the script ${this.#script.name} has no ${where}`);
    }
    const { text, calls, thinking_ms } = typeof line === 'function' ? line(messages) : line;
    if (thinking_ms > 0) await wait(thinking_ms, undefined, { signal: options.signal });
    const tool_calls = calls.map(({ name, args }, index) => ({
      id: `${this.#role}-${place + 1}-${index + 1}`,
      name,
      args,
    }));
    const message = new AIMessage({ content: text, tool_calls });
    return { generations: [{ text, message }] };
  }
}
