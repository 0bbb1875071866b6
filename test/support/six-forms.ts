// In which forms six servers of models answer. What they say is the same: an engineer's turns, each with its reasoning.

/** A message of a conversation, as it is sent to a server. */
export type Message = {
  role: string;
  content: unknown;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { arguments: string }; extra_content?: unknown }[];
  reasoning_content?: string;
  reasoning_details?: unknown;
};

/** Tokens by kind: `cached` are among the input's, `reasoning` among the output's. */
export type Count = { input: number; cached: number; output: number; reasoning: number };

export type FormName = 'deepseek' | 'gemini' | 'vllm' | 'ollama' | 'openrouter' | 'mistral';

const write = (path: string, content: string) => ({ name: 'write_file', args: { path, content } });
/** So long that a few of them fill the shortest context. */
const LONG = 'A line of notes about the corridor, its walls and the ball.\n'.repeat(100);

/** What the engineer asks for, turn by turn. */
export const TURNS = [
  [write('/first.md', LONG), { name: 'list_files', args: {} }],
  [write('/second.md', LONG)],
  [{ name: 'read_file', args: { path: '/first.md' } }],
  [write('/review.md', 'I checked both notes.')],
  [{ name: 'finish', args: { decision: 'APPROVED', reason: 'it is done', review_path: '/review.md' } }],
];

/** What it thinks in each. */
export const REASONING = TURNS.map(
  (calls, turn) => `Turn ${turn}: before I use ${calls[0]?.name}, I weigh the corridor.`,
);

/** How the servers count: as good a tokenizer as any other. */
export const countTokens = (value: unknown): number => Math.ceil(JSON.stringify(value).length / 4);

/** What is to be answered. `request` is its number; `broken`: something goes wrong before its end. */
type Asked = { turn: number; messages: Message[]; request: number; broken: boolean };
type Answer = { body: string; content_type: string; count: Count };
type Call = { id: string; name: string; args: string };
type Said = Asked & { text: string; reasoning: string; calls: Call[]; count: Count };
/** How a form writes an answer; it may leave out kinds of tokens that such servers do not tell. */
type Form = (said: Said) => { body: string; content_type?: string; count?: Partial<Count> };

/** The answer of one of the servers. */
export function bodyOf(name: FormName, asked: Asked): Answer {
  const reasoning = REASONING[asked.turn] ?? '';
  const calls = (TURNS[asked.turn] ?? []).map(({ name: tool, args }, place) => ({
    id: `t${asked.turn}c${place}`.padEnd(9, 'x'),
    name: tool,
    args: JSON.stringify(args),
  }));
  const input = countTokens(asked.messages);
  const thought = countTokens(reasoning);
  const output = countTokens(calls) + thought;
  const count = { input, cached: asked.turn > 0 ? Math.floor(input / 2) : 0, output, reasoning: thought };
  const form = FORMS[name]({ ...asked, text: `Now turn ${asked.turn}.`, reasoning, calls, count });
  return { body: form.body, content_type: form.content_type ?? STREAM, count: { ...count, ...form.count } };
}

const STREAM = 'text/event-stream';
const NOTHING: Count = { input: 0, cached: 0, output: 0, reasoning: 0 };

const FORMS: Record<FormName, Form> = {
  // Reasoning in a member of its own, comments to keep the line open, usage in the piece that ends the answer.
  deepseek: ({ text, reasoning, calls, count }) => ({
    body: stream(
      [
        ...cut(reasoning).map((part) => piece({ role: 'assistant', content: null, reasoning_content: part })),
        ...cut(text).map((part) => piece({ content: part, reasoning_content: null })),
        ...inPieces(calls),
        piece({ content: '' }, 'tool_calls', {
          usage: {
            prompt_tokens: count.input,
            prompt_cache_hit_tokens: count.cached,
            prompt_cache_miss_tokens: count.input - count.cached,
            completion_tokens: count.output,
            total_tokens: count.input + count.output,
            completion_tokens_details: { reasoning_tokens: count.reasoning },
          },
        }),
      ],
      ': keep-alive',
    ),
  }),
  // Whole calls without index or id, signed; usage grows from piece to piece, and its total alone has the reasoning.
  gemini: ({ turn, text, calls, count }) => {
    const usage = (share: number) => {
      const completion = Math.floor((count.output - count.reasoning) * share);
      const total_tokens = count.input + completion + (share === 1 ? count.reasoning : 0);
      return { usage: { prompt_tokens: count.input, completion_tokens: completion, total_tokens } };
    };
    const signed = calls.map(({ name, args }, place) => ({
      id: '',
      type: 'function',
      function: { name, arguments: args },
      ...(place === 0 && { extra_content: { google: { thought_signature: `signed-${turn}` } } }),
    }));
    return {
      body: stream([
        piece({ role: 'assistant', content: text }, null, usage(0.5)),
        piece({ role: 'assistant', tool_calls: signed }, 'stop', usage(1)),
      ]),
      count: { cached: 0 },
    };
  },
  // Arguments that begin as null, usage with every piece, and once an error in the middle.
  vllm: ({ reasoning, calls, count, broken }) => {
    const usage = { usage: openAiUsage(count) };
    const said = [
      piece({ role: 'assistant', content: '' }, null, usage),
      ...cut(reasoning).map((part) => piece({ reasoning: part }, null, usage)),
    ];
    const fault = { error: { object: 'error', message: 'EngineCore died', type: 'InternalServerError', code: 500 } };
    return {
      body: stream(
        broken
          ? [...said, fault]
          : [...said, ...inPieces(calls, null), piece({}, 'tool_calls'), { choices: [], ...usage }],
      ),
    };
  },
  // All calls have index 0, some no id; every other answer comes whole, though a stream was asked for.
  ollama: ({ request, text, reasoning, calls, count }) => {
    const tool_calls = calls.map(({ id, name, args }, place) => ({
      index: 0,
      id: place === 0 ? id : null,
      type: 'function',
      function: { name, arguments: args },
    }));
    const message = { role: 'assistant', content: text, reasoning, tool_calls };
    const { prompt_tokens_details: _, completion_tokens_details: __, ...usage } = openAiUsage(count);
    const told = { cached: 0, reasoning: 0 };
    if (request % 2 === 0) {
      const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
      return {
        body: JSON.stringify({ id: 'chatcmpl-1', choices, usage }),
        content_type: 'application/json',
        count: told,
      };
    }
    return {
      body: stream([piece(message), piece({ content: '' }, 'tool_calls'), { choices: [], usage }]),
      count: told,
    };
  },
  // Reasoning twice, in words and in details that are signed; once an error in the choice, of which nobody says what it used.
  openrouter: ({ turn, reasoning, calls, count, broken }) => {
    const details = (more: object) => ({ reasoning_details: [{ type: 'reasoning.text', index: 0, ...more }] });
    const thought = cut(reasoning).map((part) =>
      piece({ role: 'assistant', content: '', reasoning: part, ...details({ text: part }) }),
    );
    const fault = { code: 502, message: 'Provider disconnected' };
    if (broken)
      return {
        body: stream([...thought, piece({ content: '' }, 'error', { error: fault })], ': OPENROUTER PROCESSING'),
        count: NOTHING,
      };
    const rest = [
      piece({ ...details({ signature: `signed-${turn}` }) }),
      ...inPieces(calls),
      piece({ content: '' }, 'tool_calls'),
    ];
    const usage = { ...openAiUsage(count), cost: 0.001 };
    return { body: stream([...thought, ...rest, piece({ content: '' }, null, { usage })], ': OPENROUTER PROCESSING') };
  },
  // Content as parts, the reasoning among them.
  mistral: ({ text, reasoning, calls, count }) => {
    const thinking = cut(reasoning).map((part) =>
      piece({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: part }] }] }),
    );
    const { prompt_tokens_details: _, completion_tokens_details: __, ...usage } = openAiUsage(count);
    const whole = calls.map(({ id, name, args }, index) => ({ id, index, function: { name, arguments: args } }));
    return {
      body: stream([
        piece({ role: 'assistant', content: '' }),
        ...thinking,
        piece({ content: [{ type: 'text', text }] }),
        piece({ content: '', tool_calls: whole }, 'tool_calls', { usage }),
      ]),
      count: { cached: 0, reasoning: 0 },
    };
  },
};

const openAiUsage = ({ input, cached, output, reasoning }: Count) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: cached },
  completion_tokens_details: { reasoning_tokens: reasoning },
});

const piece = (delta: object, finish_reason: string | null = null, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'engineer-2026-11-01',
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
});

/** Calls as most stream them: a beginning with id and name, then the arguments bit by bit. */
const inPieces = (calls: Call[], none: string | null = '') =>
  calls.flatMap(({ id, name, args }, index) =>
    [
      { index, id, type: 'function', function: { name, arguments: none } },
      ...cut(args, 500).map((part) => ({ index, function: { arguments: part } })),
    ].map((call) => piece({ tool_calls: [call] })),
  );

const stream = (pieces: object[], comment = '') =>
  [...pieces.map((one) => `${comment && `${comment}\n\n`}data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n'].join(
    '',
  );

const cut = (whole: string, chars = 20): string[] => whole.match(new RegExp(`[^]{1,${chars}}`, 'g')) ?? [];
