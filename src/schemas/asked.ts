/** A person's step that is open, as far as what it waits for depends on it; `input` is JSON, of any shape. */
export type OpenStep = { episode_id: string; seq: number; name: string; input: unknown };

/**
 * What an open step of kind `human` waits for: a sentence, the words to be read before one answers (a question with its
 * choices, the arguments of a call, why it was paused), and the commands that answer. The words are other people's and models'.
 */
export type Asked = { sentence: string; words: string; commands: string[] };

/** What a person's open step waits for; undefined for a message, which waits for nothing. */
export function describeOpenStep({ episode_id, seq, name, input }: OpenStep): Asked | undefined {
  if (name === 'message') return undefined;
  const asked = isObject(input) ? input : {};
  const command = (words: string) => `observatory episodes ${words}`;
  const answer = command(`answer ${episode_id} --step ${seq}`);
  if (name === 'pause')
    return {
      sentence: `Step ${seq} waits: the episode was paused by ${textOf(asked['author']) || 'somebody'}.`,
      words: textOf(asked['text']),
      commands: [command(`resume ${episode_id}`)],
    };
  if (name === 'approval')
    return {
      sentence: `Step ${seq} waits for a person: may ${textOf(asked['tool']) || 'the call'} be run?`,
      words: wordsOf(asked['args']),
      commands: [command(`approve ${episode_id} --step ${seq}`), `${answer} --decline "why not"`],
    };
  const choices = Array.isArray(asked['choices']) ? asked['choices'].map(textOf) : [];
  return {
    sentence: `Step ${seq} waits for a person's answer.`,
    words: [textOf(asked['question']), ...choices.map((choice) => `- ${choice}`)].join('\n'),
    commands: [`${answer} "the answer"`],
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Arguments by name, a text as its own lines, all else as JSON. */
function wordsOf(args: unknown): string {
  if (!isObject(args)) return args === undefined ? '' : JSON.stringify(args);
  return Object.entries(args)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return text.includes('\n') ? `${name}:\n${text.replaceAll(/^/gm, '  ')}` : `${name}: ${text}`;
    })
    .join('\n');
}
