import type { CallbackManagerForToolRun } from '@langchain/core/callbacks/manager';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { BaseChatModelCallOptions, BindToolsInput } from '@langchain/core/language_models/chat_models';
import type { BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import type { RunnableConfig } from '@langchain/core/runnables';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { StructuredTool } from '@langchain/core/tools';
import type { ToolRunnableConfig } from '@langchain/core/tools';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import { AppError } from '../../errors.ts';
import type { ModelChoice } from '../../schemas/own-agent.ts';
import type { JsonObject } from '../../schemas/primitives.ts';
import type { ToolDescription } from '../models/model.ts';
import { passOf } from './pass.ts';
import { RECORDED_NAMESPACE } from './watch.ts';

// The models and tools that a user's graph is given: LangChain's own interfaces, behind which is the record.

type Options = BaseChatModelCallOptions & { tools?: ToolDescription[] };

/** A chat model each of whose answers is a step of the episode. */
export class RecordedModel extends BaseChatModel<Options> {
  override lc_namespace = [RECORDED_NAMESPACE, 'models'];
  readonly #choice: ModelChoice;

  constructor(choice: ModelChoice) {
    super({});
    this.#choice = choice;
  }

  override _llmType(): string {
    return 'recorded';
  }

  override bindTools(tools: BindToolsInput[], options: Partial<Options> = {}) {
    return this.withConfig({ ...options, tools: tools.map((tool) => convertToOpenAITool(tool) as ToolDescription) });
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const { tools = [], tool_choice } = options;
    if (tool_choice !== undefined && tool_choice !== 'auto')
      throw new AppError(
        'unimplemented',
        `a model of the episode takes no tool_choice (${JSON.stringify(tool_choice)})`,
      );
    const config = AsyncLocalStorageProviderSingleton.getRunnableConfig() as RunnableConfig | undefined;
    const pass = passOf(config, 'this model');
    const message = await pass.think(config ?? {}, { messages, tools, choice: this.#choice });
    return { generations: [{ text: message.text, message }] };
  }
}

/** How a tool is known to models, whoever made it. */
type Known = Pick<StructuredTool, 'name' | 'description' | 'schema'> &
  Partial<Pick<StructuredTool, 'returnDirect' | 'responseFormat'>>;

/** A tool each of whose calls is a step of the episode, run by an activity of its own. */
export class RecordedTool extends StructuredTool {
  override name: string;
  override description: string;
  override schema: StructuredTool['schema'];

  constructor({ name, description, schema, returnDirect = false, responseFormat = 'content' }: Known) {
    super({ responseFormat });
    this.name = name;
    this.description = description;
    this.schema = schema;
    this.returnDirect = returnDirect;
  }

  override get lc_namespace(): string[] {
    return [RECORDED_NAMESPACE, 'tools'];
  }

  protected override async _call(
    args: JsonObject,
    _run?: CallbackManagerForToolRun,
    config: ToolRunnableConfig = {},
  ): Promise<unknown> {
    const { name } = this;
    const id = (config.toolCall as { id?: string } | undefined)?.id;
    const answer = await passOf(config, `the tool ${name}`).call(config, { name, args, id });
    if ('error' in answer) throw new Error(answer.error);
    return this.responseFormat === 'content_and_artifact' ? [answer.value, answer.artifact] : answer.value;
  }
}
