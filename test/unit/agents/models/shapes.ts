// Answers of endpoints as they come: every shape is a body as it goes over the wire, and what is right to make of it. They
// were written after public reports about the servers that are named; none of them is a recording.

/** What an answer comes to: what was said, or how it failed. */
export type Expected = {
  text?: string;
  reasoning?: string;
  refusal?: string;
  calls?: { name: string; args?: object; id?: string; malformed?: string }[];
  end?: 'cut' | 'filtered' | 'refused' | 'empty' | 'malformed';
  finish_reason?: string | null;
  /** Input, cached, output, reasoning tokens; null where the endpoint does not say. */
  tokens?: [number, number, number, number] | null;
  error?: { code: string; says: string; details?: object };
};
export type Shape = {
  name: string;
  status?: number;
  type?: string;
  headers?: Record<string, string>;
  body: string;
  right: Expected;
};

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const DONE = 'data: [DONE]\n\n';
const USAGE = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
const usage = (counted: object = USAGE) => event({ id: 'r1', choices: [], usage: counted });
const piece = (delta: object, finish_reason: string | null = null) =>
  event({ id: 'r1', model: 'm-2', choices: [{ index: 0, delta, finish_reason }] });
const call = (asked: object, more: object = {}) => ({ tool_calls: [{ ...more, ...asked }] });
const named = (name: string, args: unknown) => ({ type: 'function', function: { name, arguments: args } });
/** A stream of these pieces that ends as OpenAI's do. */
const stream = (finish_reason: string, ...deltas: object[]) =>
  deltas.map((delta) => piece(delta)).join('') + piece({}, finish_reason) + usage() + DONE;
const whole = (message: object, more: object = {}) =>
  JSON.stringify({ id: 'r1', choices: [{ index: 0, message, finish_reason: 'stop' }], usage: USAGE, ...more });
const TOKENS: [number, number, number, number] = [100, 0, 20, 0];
const LIST = { name: 'list_files', args: {} };

const CALLS: Shape[] = [
  {
    name: 'a name that comes in pieces is one name',
    body: stream(
      'tool_calls',
      call({ function: { name: 'list_' } }, { index: 0, id: 'k1' }),
      call({ function: { name: 'files', arguments: '{}' } }, { index: 0 }),
    ),
    right: { calls: [{ ...LIST, id: 'k1' }], tokens: TOKENS },
  },
  {
    name: 'arguments after empty ones are the arguments (LiteLLM)',
    body: stream(
      'tool_calls',
      call(named('list_files', '{}'), { index: 0, id: 'k1' }),
      call({ function: { arguments: '{"path":' } }, { index: 0 }),
      call({ function: { arguments: '"/"}' } }, { index: 0 }),
    ),
    right: { calls: [{ name: 'list_files', args: { path: '/' } }], tokens: TOKENS },
  },
  {
    name: 'a list of calls that is written as a text is a list',
    body: whole({ content: '', tool_calls: JSON.stringify([{ id: 'k1', ...named('list_files', '{}') }]) }),
    right: { calls: [{ ...LIST, id: 'k1' }], tokens: TOKENS },
  },
  {
    name: 'arguments that are null are none',
    body: stream('tool_calls', call(named('list_files', null), { index: 0, id: 'k1' })),
    right: { calls: [{ ...LIST, id: 'k1' }], finish_reason: 'tool_calls', tokens: TOKENS },
  },
  {
    name: 'pieces after null arguments are the arguments',
    body: stream(
      'tool_calls',
      call(named('list_files', null), { index: 0, id: 'k1' }),
      call({ function: { arguments: '{"path":' } }, { index: 0 }),
      call({ function: { arguments: '"/"}' } }, { index: 0 }),
    ),
    right: { calls: [{ name: 'list_files', args: { path: '/' } }], tokens: TOKENS },
  },
  {
    name: 'arguments that are left out are none',
    body: stream('tool_calls', call({ function: { name: 'list_files' } }, { index: 0, id: 'k1' })),
    right: { calls: [LIST], tokens: TOKENS },
  },
  {
    name: 'arguments as an object are that object (Ollama)',
    body: stream('tool_calls', call(named('grep', { pattern: 'x' }), { index: 0, id: 'k1' })),
    right: { calls: [{ name: 'grep', args: { pattern: 'x' } }], tokens: TOKENS },
  },
  {
    name: 'arguments encoded twice are read twice',
    body: stream('tool_calls', call(named('grep', JSON.stringify('{"pattern":"x"}')), { index: 0, id: 'k1' })),
    right: { calls: [{ name: 'grep', args: { pattern: 'x' } }], tokens: TOKENS },
  },
  {
    name: 'arguments that say null are none',
    body: stream('tool_calls', call(named('list_files', 'null'), { index: 0, id: 'k1' })),
    right: { calls: [LIST], tokens: TOKENS },
  },
  {
    name: 'arguments that are cut off make the call malformed, and repair nothing',
    body: stream('length', call(named('write_file', '{"path": "/a.md", "content": "half of'), { index: 0, id: 'k1' })),
    right: {
      calls: [{ name: 'write_file', args: {}, malformed: '{"path": "/a.md", "content": "half of' }],
      end: 'cut',
      tokens: TOKENS,
    },
  },
  {
    name: 'arguments that are a list are malformed',
    body: stream('tool_calls', call(named('grep', '["x"]'), { index: 0, id: 'k1' })),
    right: { calls: [{ name: 'grep', args: {}, malformed: '["x"]' }], end: 'malformed', tokens: TOKENS },
  },
  {
    name: 'parallel calls with the same index are told apart by their ids (Gemini)',
    body: stream(
      'stop',
      call(named('read_file', '{"path":"/a"}'), { index: 0, id: 'a' }),
      call(named('read_file', '{"path":"/b"}'), { index: 0, id: 'b' }),
    ),
    right: {
      calls: [
        { name: 'read_file', args: { path: '/a' }, id: 'a' },
        { name: 'read_file', args: { path: '/b' }, id: 'b' },
      ],
      tokens: TOKENS,
    },
  },
  {
    name: 'parallel calls without ids and with the same index are told apart once arguments are whole',
    body: stream(
      'stop',
      call(named('read_file', '{"path":"/a"}'), { index: 0, id: '' }),
      call(named('read_file', '{"path":"/b"}'), { index: 0, id: '' }),
    ),
    right: {
      calls: [
        { name: 'read_file', args: { path: '/a' }, id: 'call-1' },
        { name: 'read_file', args: { path: '/b' }, id: 'call-2' },
      ],
      tokens: TOKENS,
    },
  },
  {
    name: 'calls without an index in one piece are calls of their own',
    body: stream('tool_calls', {
      tool_calls: [
        { id: 'a', ...named('list_files', '{}') },
        { id: 'b', ...named('grep', '{"pattern":"y"}') },
      ],
    }),
    right: {
      calls: [
        { ...LIST, id: 'a' },
        { name: 'grep', args: { pattern: 'y' }, id: 'b' },
      ],
      tokens: TOKENS,
    },
  },
  {
    name: 'pieces without an index go on with the last call',
    body: stream(
      'tool_calls',
      call(named('grep', '{"pat'), { id: 'a' }),
      call({ function: { arguments: 'tern":"z"}' } }),
    ),
    right: { calls: [{ name: 'grep', args: { pattern: 'z' } }], tokens: TOKENS },
  },
  {
    name: 'an index that is null or a text is read as it is meant',
    body: stream(
      'tool_calls',
      call(named('grep', '{"pat'), { index: '0', id: 'a' }),
      call({ function: { arguments: 'tern":"z"}' } }, { index: null }),
    ),
    right: { calls: [{ name: 'grep', args: { pattern: 'z' } }], tokens: TOKENS },
  },
  {
    name: 'id and name that are repeated with every piece are one call (vLLM)',
    body: stream(
      'tool_calls',
      call(named('grep', ''), { index: 0, id: 'a' }),
      call(named('grep', '{"pattern":'), { index: 0, id: 'a' }),
      call(named('grep', '"z"}'), { index: 0, id: 'a' }),
    ),
    right: { calls: [{ name: 'grep', args: { pattern: 'z' }, id: 'a' }], tokens: TOKENS },
  },
  {
    name: 'calls with one id get ids of their own',
    body: stream('tool_calls', {
      tool_calls: [
        { index: 0, id: 'same', ...named('list_files', '{}') },
        { index: 1, id: 'same', ...named('list_files', '{}') },
      ],
    }),
    right: {
      calls: [
        { ...LIST, id: 'same' },
        { ...LIST, id: 'call-2' },
      ],
      tokens: TOKENS,
    },
  },
  {
    name: 'an id that is null or a number is one all the same',
    body: stream('tool_calls', {
      tool_calls: [
        { index: 0, id: null, ...named('list_files', '{}') },
        { index: 1, id: 7, ...named('list_files', '{}') },
      ],
    }),
    right: {
      calls: [
        { ...LIST, id: 'call-1' },
        { ...LIST, id: '7' },
      ],
      tokens: TOKENS,
    },
  },
  {
    name: 'the old function_call is a call',
    body: stream('function_call', { function_call: { name: 'grep', arguments: '{"pattern":"f"}' } }),
    right: { calls: [{ name: 'grep', args: { pattern: 'f' } }], tokens: TOKENS },
  },
  {
    name: 'a call with its members beside each other is one',
    body: stream('tool_calls', { tool_calls: [{ index: 0, id: 'a', name: 'grep', arguments: { pattern: 'g' } }] }),
    right: { calls: [{ name: 'grep', args: { pattern: 'g' } }], tokens: TOKENS },
  },
  {
    name: 'calls that are null, and entries that are none, are no calls',
    body: stream('stop', { content: 'hm', tool_calls: null }, { tool_calls: [null, 'x', {}] }),
    right: { text: 'hm', calls: [], tokens: TOKENS },
  },
  {
    name: 'a call that is no list is a call',
    body: stream('tool_calls', { tool_calls: { index: 0, id: 'a', ...named('list_files', {}) } }),
    right: { calls: [LIST], tokens: TOKENS },
  },
];

const WORDS: Shape[] = [
  {
    name: 'parts of content are joined, thinking is kept apart (Mistral)',
    body: stream(
      'stop',
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'let me ' }] }] },
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'see' }] }] },
      { content: [{ type: 'text', text: 'I look.' }] },
    ),
    right: { text: 'I look.', reasoning: 'let me see', tokens: TOKENS },
  },
  {
    name: 'content that is null in one piece and text in the next is the text',
    body: stream('stop', { role: 'assistant', content: null }, { content: 'hello ' }, { content: 'there' }),
    right: { text: 'hello there', finish_reason: 'stop', tokens: TOKENS },
  },
  {
    name: 'parts of a whole answer are joined',
    type: 'application/json',
    body: whole({ content: [{ type: 'text', text: 'a' }, 'b', { type: 'output_text', text: 'c' }] }),
    right: { text: 'abc', tokens: TOKENS },
  },
  {
    name: 'reasoning_content is reasoning (DeepSeek, vLLM, llama.cpp)',
    body: stream('stop', { reasoning_content: 'so, ' }, { reasoning_content: 'well' }, { content: 'yes' }),
    right: { text: 'yes', reasoning: 'so, well', tokens: TOKENS },
  },
  {
    name: 'reasoning is reasoning (Ollama, vLLM)',
    body: stream('stop', { content: '', reasoning: 'so' }, { content: 'yes' }),
    right: { text: 'yes', reasoning: 'so', tokens: TOKENS },
  },
  {
    name: 'reasoning in two members is the same said twice',
    body: stream('stop', { reasoning: 'so', reasoning_content: 'so' }, { content: 'yes' }),
    right: { text: 'yes', reasoning: 'so', tokens: TOKENS },
  },
  {
    name: 'reasoning_details are reasoning (OpenRouter)',
    body: stream(
      'stop',
      { content: '', reasoning_details: [{ type: 'reasoning.text', text: 'so', index: 0 }] },
      { content: 'yes' },
    ),
    right: { text: 'yes', reasoning: 'so', tokens: TOKENS },
  },
  {
    name: 'reasoning as an object is its text',
    body: stream('stop', { reasoning: { content: 'so' } }, { content: 'yes' }),
    right: { text: 'yes', reasoning: 'so', tokens: TOKENS },
  },
  {
    name: 'reasoning that a template left in the words is taken out of them',
    body: stream('stop', { content: '<thi' }, { content: 'nk>so\nwell</think>\n\nyes' }),
    right: { text: 'yes', reasoning: 'so\nwell', tokens: TOKENS },
  },
  {
    name: 'reasoning whose beginning a template ate is taken out of the words',
    body: stream('stop', { content: 'so\n</think>\n\nyes' }),
    right: { text: 'yes', reasoning: 'so', tokens: TOKENS },
  },
  {
    name: 'words about think tags stay words',
    body: stream('stop', { content: 'I write `<think>` and `</think>` around it' }),
    right: { text: 'I write `<think>` and `</think>` around it', tokens: TOKENS },
  },
  {
    name: 'an answer without words or calls is empty',
    body: stream('stop', { role: 'assistant', content: '' }),
    right: { text: '', end: 'empty', tokens: TOKENS },
  },
  {
    name: 'an answer of reasoning alone is empty',
    body: stream('stop', { reasoning_content: 'hm' }, { content: null }),
    right: { text: '', reasoning: 'hm', end: 'empty', tokens: TOKENS },
  },
  {
    name: 'an answer cut at its length says so',
    body: stream('length', { content: 'First I will measure the' }),
    right: { text: 'First I will measure the', end: 'cut', finish_reason: 'length', tokens: TOKENS },
  },
  {
    name: 'other words for a cut are known (Mistral, Gemini)',
    body: stream('MAX_TOKENS', { content: 'First' }),
    right: { text: 'First', end: 'cut', finish_reason: 'MAX_TOKENS', tokens: TOKENS },
  },
  {
    name: 'a refusal is kept with its words (OpenAI)',
    body: stream(
      'stop',
      { role: 'assistant', content: null, refusal: '' },
      { refusal: 'I do not ' },
      { refusal: 'do that.' },
    ),
    right: { text: '', refusal: 'I do not do that.', end: 'refused', tokens: TOKENS },
  },
  {
    name: 'a refusal among the parts is one',
    body: stream('stop', { content: [{ type: 'refusal', refusal: 'No.' }] }),
    right: { text: '', refusal: 'No.', end: 'refused', tokens: TOKENS },
  },
  {
    name: 'a filtered answer says so (Azure)',
    body: stream('content_filter', { content: 'The' }),
    right: { text: 'The', end: 'filtered', tokens: TOKENS },
  },
  {
    name: 'a call that the endpoint itself could not read is malformed (Gemini)',
    body: stream('function_call_filter: MALFORMED_FUNCTION_CALL', { content: '' }),
    right: { text: '', end: 'malformed', tokens: TOKENS },
  },
];

const FORMS: Shape[] = [
  {
    name: 'a whole answer where a stream was asked for',
    type: 'application/json',
    body: whole({ role: 'assistant', content: 'ok', tool_calls: [{ id: 'k', ...named('list_files', '{}') }] }),
    right: { text: 'ok', calls: [{ ...LIST, id: 'k' }], finish_reason: 'stop', tokens: TOKENS },
  },
  {
    name: 'a whole answer inside of one event',
    body: `data: ${whole({ content: 'ok' })}\n\n${DONE}`,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a whole message after its pieces repeats them',
    body: piece({ content: 'o' }) + piece({ content: 'k' }) + `data: ${whole({ content: 'ok' })}\n\n${DONE}`,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a stream that ends with [DONE] and no finish_reason is whole',
    body: piece({ content: 'ok' }) + usage() + DONE,
    right: { text: 'ok', finish_reason: null, tokens: TOKENS },
  },
  {
    name: 'a stream without [DONE] whose finish_reason came is whole',
    body: piece({ content: 'ok' }, 'stop') + usage(),
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a finish_reason with the last words is no second end',
    body: piece({ content: 'ok' }, 'stop') + piece({}, 'stop') + usage() + DONE,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a stream that calls itself JSON is a stream',
    type: 'application/json',
    body: stream('stop', { content: 'ok' }),
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a stream of JSON lines is a stream',
    type: 'application/x-ndjson',
    body: [
      { choices: [{ delta: { content: 'o' } }] },
      { choices: [{ delta: { content: 'k' }, finish_reason: 'stop' }], usage: USAGE },
    ]
      .map((one) => JSON.stringify(one))
      .join('\n'),
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'comments, lines that end in CRLF and names of events say nothing (OpenRouter)',
    body: `: OPENROUTER PROCESSING\r\n\r\nevent: message\r\n${stream('stop', { content: 'ok' }).replaceAll('\n', '\r\n')}`,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'data without a space after the colon is data',
    body: stream('stop', { content: 'ok' }).replaceAll('data: ', 'data:'),
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a last piece without an empty line after it is heard',
    body: (piece({ content: 'ok' }) + piece({}, 'stop')).trimEnd(),
    right: { text: 'ok', tokens: null },
  },
  {
    name: 'pieces that are null, or without choices, say nothing (Azure)',
    body: `data: null\n\n${event({ choices: [], prompt_filter_results: [] })}${event({ choices: null })}${stream('stop', { content: 'ok' })}`,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'a choice without an index, and one of another, are told apart',
    body: event({ choices: [{ delta: { content: 'ok' } }, { index: 1, delta: { content: 'no' } }] }) + stream('stop'),
    right: { text: 'ok', tokens: TOKENS },
  },
];

const COUNTS: Shape[] = [
  {
    name: 'usage inside of a choice is counted (Moonshot)',
    body:
      piece({ content: 'ok' }) +
      event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: USAGE }] }) +
      DONE,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'usage in an early piece with zeros later is the early one',
    body:
      event({ choices: [{ index: 0, delta: { content: 'ok' }, finish_reason: null }], usage: USAGE }) +
      event({
        choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
        usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      }) +
      DONE,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'usage that grows with every piece is the last one',
    body:
      event({ choices: [{ delta: { content: 'o' } }], usage: { prompt_tokens: 100, completion_tokens: 1 } }) +
      event({
        choices: [{ delta: { content: 'k' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 100, completion_tokens: 20 },
      }) +
      DONE,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'usage after [DONE] is counted',
    body: piece({ content: 'ok' }, 'stop') + DONE + usage(),
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'cached and reasoning tokens are told apart (OpenAI)',
    body:
      piece({ content: 'ok' }, 'stop') +
      usage({
        ...USAGE,
        prompt_tokens_details: { cached_tokens: 64 },
        completion_tokens_details: { reasoning_tokens: 12 },
      }) +
      DONE,
    right: { text: 'ok', tokens: [100, 64, 20, 12] },
  },
  {
    name: 'hits of the cache are cached tokens (DeepSeek)',
    body:
      piece({ content: 'ok' }, 'stop') +
      usage({ ...USAGE, prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 }) +
      DONE,
    right: { text: 'ok', tokens: [100, 60, 20, 0] },
  },
  {
    name: 'reasoning that is in the total alone is output (Gemini, xAI)',
    body:
      piece({ content: 'ok' }, 'stop') + usage({ prompt_tokens: 100, completion_tokens: 20, total_tokens: 150 }) + DONE,
    right: { text: 'ok', tokens: [100, 0, 50, 30] },
  },
  {
    name: 'counts under the names of the newer API are counts',
    body:
      piece({ content: 'ok' }, 'stop') +
      usage({ input_tokens: 100, output_tokens: 20, input_tokens_details: { cached_tokens: 9 } }) +
      DONE,
    right: { text: 'ok', tokens: [100, 9, 20, 0] },
  },
  {
    name: 'what was read from a cache beside the input is input (Anthropic)',
    body:
      piece({ content: 'ok' }, 'stop') +
      usage({ input_tokens: 40, cache_read_input_tokens: 50, cache_creation_input_tokens: 10, output_tokens: 20 }) +
      DONE,
    right: { text: 'ok', tokens: [100, 50, 20, 0] },
  },
  {
    name: 'usage of its own member is counted (Groq)',
    body: piece({ content: 'ok' }, 'stop') + event({ choices: [], x_groq: { usage: USAGE } }) + DONE,
    right: { text: 'ok', tokens: TOKENS },
  },
  {
    name: 'timings alone are counted (llama.cpp)',
    body:
      piece({ content: 'ok' }) +
      event({
        choices: [{ delta: {}, finish_reason: 'stop' }],
        timings: { prompt_n: 30, cache_n: 70, predicted_n: 20 },
      }) +
      DONE,
    right: { text: 'ok', tokens: [100, 70, 20, 0] },
  },
  {
    name: 'usage that is null, or of another shape, is not known',
    body:
      piece({ content: 'ok' }, 'stop') +
      event({ choices: [], usage: null }) +
      event({ choices: [], usage: { prompt_tokens: 'many' } }) +
      DONE,
    right: { text: 'ok', tokens: null },
  },
];

const refused = (code: string, says: string, details?: object): Expected => ({
  error: { code, says, ...(details && { details }) },
});

const ERRORS: Shape[] = [
  {
    name: 'an error that is an empty object is none',
    body: whole({ content: 'x' }, { error: {} }),
    right: { text: 'x', tokens: TOKENS },
  },
  {
    name: 'a redirection says where base_url is to be, and is not followed with the key',
    status: 308,
    headers: { location: 'https://elsewhere.example/v1' },
    body: '',
    right: { error: { code: 'invalid_argument', says: 'it redirects to https://elsewhere.example/v1' } },
  },
  {
    name: 'a quota a minute is waited for, whatever it is called (Gemini)',
    status: 429,
    body: JSON.stringify([
      {
        error: {
          code: 429,
          message: 'You exceeded your current quota, please check your plan and billing details.',
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '12s' }],
        },
      },
    ]),
    right: { error: { code: 'unavailable', says: 'current quota', details: { retry_after_s: 12 } } },
  },
  {
    name: 'a wait that an error names as a member is taken',
    status: 429,
    body: JSON.stringify({ error: { message: 'slow down', retry_after: 7 } }),
    right: { error: { code: 'unavailable', says: 'slow down', details: { retry_after_s: 7 } } },
  },
  {
    name: 'a conversation that is too long in the words of TGI is one',
    status: 422,
    body: JSON.stringify({
      error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens',
      error_type: 'validation',
    }),
    right: { error: { code: 'invalid_argument', says: 'must be <= 4096' } },
  },
  {
    name: 'what is no answer at all is told by its beginning (MiniMax)',
    body: JSON.stringify({ id: 'x', choices: null, base_resp: { status_code: 1004, status_msg: 'login fail' } }),
    right: { error: { code: 'model_failed', says: 'login fail' } },
  },
  {
    name: 'an error as 200 is an error, with the wait that it asks for',
    type: 'application/json',
    body: JSON.stringify({ error: { message: 'too many requests, wait 20 s', code: 429 } }),
    right: refused('unavailable', 'the model endpoint answered 429 in its answer: too many requests, wait 20 s', {
      retry_after_s: 20,
    }),
  },
  {
    name: 'an error in a list is its first (Gemini)',
    status: 400,
    body: JSON.stringify([
      { error: { code: 400, message: 'the request lacks a signature', status: 'INVALID_ARGUMENT' } },
    ]),
    right: refused('invalid_argument', 'the model endpoint answered 400: the request lacks a signature', {
      status: 400,
    }),
  },
  {
    name: 'a wait that Google asks for is taken',
    status: 429,
    body: JSON.stringify([
      { error: { code: 429, message: 'quota', details: [{ '@type': 'RetryInfo', retryDelay: '31s' }] } },
    ]),
    right: refused('unavailable', 'quota', { retry_after_s: 31 }),
  },
  {
    name: 'a detail is the reason (vLLM, FastAPI)',
    status: 404,
    body: JSON.stringify({ detail: 'Not Found' }),
    right: refused('not_found', 'the model endpoint answered 404: Not Found'),
  },
  {
    name: 'a list of details names their places',
    status: 422,
    body: JSON.stringify({ detail: [{ loc: ['body', 'messages'], msg: 'field required', type: 'missing' }] }),
    right: refused('invalid_argument', '422: body.messages: field required'),
  },
  {
    name: 'a flat message is the reason (vLLM before 0.10)',
    status: 400,
    body: JSON.stringify({ object: 'error', message: 'bad template', type: 'BadRequestError', code: 400 }),
    right: refused('invalid_argument', '400: bad template'),
  },
  {
    name: 'an error that is a text is the reason (Ollama)',
    status: 404,
    body: JSON.stringify({ error: 'model "x" not found, try pulling it first' }),
    right: refused('not_found', '404: model "x" not found, try pulling it first'),
  },
  {
    name: 'errors in a list are told by the first',
    status: 401,
    body: JSON.stringify({ errors: [{ message: 'no such key' }] }),
    right: refused('unauthenticated', '401: no such key'),
  },
  {
    name: 'the words of the provider behind a router are told (OpenRouter)',
    status: 400,
    body: JSON.stringify({
      error: {
        code: 400,
        message: 'Provider returned error',
        metadata: { raw: '{"error":{"message":"tool_choice is not supported"}}' },
      },
    }),
    right: refused('invalid_argument', '400: Provider returned error: tool_choice is not supported'),
  },
  {
    name: 'a page of a proxy is told by its title',
    status: 502,
    type: 'text/html',
    body: '<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>',
    right: refused('model_failed', 'the model endpoint answered 502: 502 Bad Gateway'),
  },
  {
    name: 'a page with status 200 is no answer',
    type: 'text/html',
    body: '<!doctype html><title>Sign in</title>',
    right: refused('model_failed', 'answered with something else than an answer: Sign in'),
  },
  {
    name: 'an empty body is no answer',
    body: '',
    right: refused('model_failed', 'answered with nothing at all'),
  },
  {
    name: 'words alone are the reason',
    status: 503,
    type: 'text/plain',
    body: 'no healthy upstream',
    right: refused('unavailable', '503: no healthy upstream'),
  },
  {
    name: 'an error inside of a choice is an error (OpenRouter)',
    body:
      piece({ content: 'hm' }) +
      event({
        choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502, message: 'upstream died' } }],
      }) +
      DONE,
    right: refused('model_failed', '502 in its answer: upstream died', { usage_unknown: true }),
  },
  {
    name: 'an error inside of a stream is an error, and what was used is counted',
    body:
      event({ choices: [{ delta: { content: 'hm' } }], usage: USAGE }) +
      event({ error: { message: 'the model fell over', type: 'server_error' } }),
    right: refused('model_failed', 'in its answer: the model fell over', { input_tokens: 100, output_tokens: 20 }),
  },
  {
    name: 'an event that is named error is one',
    body: piece({ content: 'hm' }) + 'event: error\ndata: {"message": "Overloaded"}\n\n',
    right: refused('unavailable', '503 in its answer: Overloaded'),
  },
  {
    name: 'an error that was written into the stream as it is, is one',
    body: piece({ content: 'hm' }) + '{"error": {"message": "out of memory", "code": 500}}\n',
    right: refused('model_failed', '500 in its answer: out of memory'),
  },
  {
    name: 'a finish_reason of error is one',
    body: piece({ content: 'hm' }, 'error') + DONE,
    right: refused('model_failed', 'gave the answer up: finish_reason error'),
  },
  {
    name: 'choices that are empty are no answer, and what was used is counted',
    type: 'application/json',
    body: JSON.stringify({ id: 'r1', choices: [], usage: USAGE }),
    right: refused('model_failed', 'answered without a choice', { input_tokens: 100, output_tokens: 20 }),
  },
  {
    name: 'a stream that breaks off is no answer',
    body: piece({ content: 'half' }),
    right: refused('model_failed', 'broke off before it was complete', { usage_unknown: true }),
  },
  {
    name: 'a piece that breaks off is no answer',
    body: `${piece({ content: 'half' })}data: {"choices": [{"delta": {"con\n\n`,
    right: refused('model_failed', 'broke off in the middle of a piece', { usage_unknown: true }),
  },
  {
    name: 'a conversation that is too long says how much there is room for',
    status: 400,
    body: JSON.stringify({
      error: {
        code: 'context_length_exceeded',
        message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 10240 tokens.",
      },
    }),
    right: refused('invalid_argument', '8192 tokens', { context_share: 0.8 }),
  },
  {
    name: 'so it does in the words of llama.cpp',
    status: 400,
    body: JSON.stringify({
      error: {
        code: 400,
        message: 'the request exceeds the available context size, try increasing it',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 900,
        n_ctx: 512,
      },
    }),
    right: refused('invalid_argument', 'exceeds the available context size', { context_share: 0.5 }),
  },
  {
    name: 'an empty account is not waited for',
    status: 429,
    body: JSON.stringify({ error: { code: 'insufficient_quota', message: 'You exceeded your current quota' } }),
    right: refused('resource_exhausted', 'You exceeded your current quota'),
  },
  {
    name: 'an overloaded endpoint is waited for (Anthropic)',
    status: 529,
    body: JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
    right: refused('unavailable', '529: Overloaded'),
  },
];

/** Every shape, in families. */
export const SHAPES: readonly Shape[] = [...CALLS, ...WORDS, ...FORMS, ...COUNTS, ...ERRORS];
