// What goes to an endpoint: nothing that strict servers refuse, and as it was what the provider itself said and wants back.
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { describe, expect, test } from 'vitest';
import { finish, hear, newHearing } from '../../../../src/agents/models/answer.ts';
import { toChatMessages } from '../../../../src/agents/models/chat-messages.ts';
import type { ChatForm } from '../../../../src/agents/models/chat-messages.ts';

const PROVIDER = 'http://models.test/v1';
const FORM: ChatForm = { provider: PROVIDER, reasoning_back: 'with_calls', alternate_roles: false };
const HEAD = [new SystemMessage('be good'), new HumanMessage('the task')];
const resultOf = (id: string, content = 'done') => new ToolMessage({ tool_call_id: id, content });

/** The message that the record makes of an answer in these pieces. */
function heard(...deltas: object[]): AIMessage {
  const hearing = newHearing();
  for (const delta of deltas) hear(hearing, { id: 'r', choices: [{ index: 0, delta }] });
  hear(hearing, { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] });
  const { text, tool_calls, reasoning, back } = finish(hearing, PROVIDER);
  return new AIMessage({ content: text, tool_calls, additional_kwargs: { reasoning, back } });
}
const asking = (id: string, more: object = {}) => ({
  tool_calls: [{ index: 0, id, type: 'function', function: { name: 'list_files', arguments: '{}' }, ...more }],
});
const rolesOf = (messages: BaseMessage[], form = FORM) => toChatMessages(messages, form).map(({ role }) => role);

describe('what strict servers refuse', () => {
  test('is never sent: a message without words or calls is left out', () => {
    const empty = [
      ...HEAD,
      new AIMessage(''),
      new HumanMessage('go on'),
      new AIMessage('  \n'),
      new HumanMessage('go on'),
    ];
    expect(rolesOf(empty)).toEqual(['system', 'user', 'user', 'user']);
  });

  test('a call whose result is not on record gets one, and a result without its call is left out', () => {
    const message = new AIMessage({
      content: '',
      tool_calls: [
        { id: 'a', name: 'grep', args: {} },
        { id: 'b', name: 'grep', args: {} },
      ],
    });
    const sent = toChatMessages([...HEAD, resultOf('z'), message, resultOf('b'), resultOf('stray')], FORM);
    expect(sent.slice(2)).toMatchObject([
      { role: 'assistant', content: null, tool_calls: [{ id: 'a' }, { id: 'b' }] },
      { role: 'tool', tool_call_id: 'a', content: 'no result of this call is on record' },
      { role: 'tool', tool_call_id: 'b', content: 'done' },
    ]);
  });

  test('the same id in two thoughts gets each its own result', () => {
    const twice = ['one', 'two'].flatMap((content) => [heard(asking('same')), resultOf('same', content)]);
    const results = toChatMessages([...HEAD, ...twice], FORM).filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => content)).toEqual(['one', 'two']);
  });

  test('roles take turns where the endpoint demands it, also after a result', () => {
    const messages = [
      ...HEAD,
      new HumanMessage('more'),
      new AIMessage('a'),
      new AIMessage('b'),
      heard(asking('k')),
      resultOf('k'),
      new HumanMessage('a word'),
    ];
    expect(rolesOf(messages)).toEqual([
      'system',
      'user',
      'user',
      'assistant',
      'assistant',
      'assistant',
      'tool',
      'user',
    ]);
    const sent = toChatMessages(messages, { ...FORM, alternate_roles: true });
    expect(sent.map(({ role, content }) => [role, content])).toEqual([
      ['system', 'be good'],
      ['user', 'the task\n\nmore'],
      ['assistant', 'a\n\nb'],
      ['assistant', null],
      ['tool', 'done\n\na word'],
    ]);
  });
});

describe('what a provider wants back', () => {
  const SIGNED = { extra_content: { google: { thought_signature: 'b3duIGNhc2U=' } } };

  test.each<[string, object[], object]>([
    ['a signature of a call', [asking('k', SIGNED)], { tool_calls: [{ id: 'k', ...SIGNED }] }],
    [
      'a signature within the function',
      [{ tool_calls: [{ index: 0, id: 'k', function: { name: 'grep', arguments: '{}', thought_signature: 's' } }] }],
      { tool_calls: [{ function: { name: 'grep', arguments: '{}', thought_signature: 's' } }] },
    ],
    ['a signature of the message', [{ content: 'hm', ...SIGNED }, asking('k')], { content: 'hm', ...SIGNED }],
    [
      'reasoning_content with calls',
      [{ reasoning_content: 'so ' }, { reasoning_content: 'on' }, asking('k')],
      { reasoning_content: 'so on' },
    ],
    [
      'reasoning_details, put together',
      [
        { reasoning: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'a', index: 0, format: 'x' }] },
        { reasoning: 'b', reasoning_details: [{ type: 'reasoning.text', text: 'b', index: 0 }] },
        { reasoning_details: [{ type: 'reasoning.text', signature: 'sig', index: 0 }] },
        { reasoning_details: [{ type: 'reasoning.encrypted', data: 'xyz', index: 1 }] },
        asking('k'),
      ],
      {
        reasoning_details: [
          { type: 'reasoning.text', text: 'ab', index: 0, format: 'x', signature: 'sig' },
          { type: 'reasoning.encrypted', data: 'xyz', index: 1 },
        ],
      },
    ],
    [
      'thinking_blocks with their signatures',
      [
        { thinking_blocks: [{ type: 'thinking', thinking: 'a' }] },
        { thinking_blocks: [{ type: 'thinking', thinking: 'b', signature: 's1' }] },
        { thinking_blocks: [{ type: 'thinking', thinking: 'c', signature: 's2' }] },
        asking('k'),
      ],
      {
        thinking_blocks: [
          { type: 'thinking', thinking: 'ab', signature: 's1' },
          { type: 'thinking', thinking: 'c', signature: 's2' },
        ],
      },
    ],
    [
      'thinking parts of the content',
      [
        { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'a' }] }] },
        { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'b' }] }] },
        { content: [{ type: 'text', text: 'I look.' }] },
        asking('k'),
      ],
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'ab' }] },
          { type: 'text', text: 'I look.' },
        ],
      },
    ],
  ])('%s goes back as it was', (_, deltas, sent) => {
    const messages = [...HEAD, heard(...deltas), resultOf('k')];
    expect(toChatMessages(messages, FORM)[2]).toMatchObject(sent);
  });

  test('goes to nobody else', () => {
    const said = heard({ reasoning_content: 'so', ...SIGNED }, asking('k', SIGNED));
    const sent = toChatMessages([...HEAD, said, resultOf('k')], { ...FORM, provider: 'http://others.test/v1' });
    expect(JSON.stringify(sent)).not.toMatch(/signature|reasoning/);
    expect(sent[2]).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'k', type: 'function', function: { name: 'list_files', arguments: '{}' } }],
    });
  });

  test('of reasoning, is what the configuration says', () => {
    const spoken = [...HEAD, heard({ reasoning_content: 'so', content: 'yes' }), new HumanMessage('go on')];
    const called = [...HEAD, heard({ reasoning_content: 'so' }, asking('k')), resultOf('k')];
    const back = (messages: BaseMessage[], reasoning_back: ChatForm['reasoning_back']) =>
      toChatMessages(messages, { ...FORM, reasoning_back })[2]?.['reasoning_content'];
    expect([back(spoken, 'with_calls'), back(spoken, 'always'), back(spoken, 'never')]).toEqual([
      undefined,
      'so',
      undefined,
    ]);
    expect([back(called, 'with_calls'), back(called, 'always'), back(called, 'never')]).toEqual([
      'so',
      'so',
      undefined,
    ]);
  });

  test('does not go back once it was redacted', () => {
    const said = heard({ reasoning_details: [{ type: 'reasoning.text', text: 'so', index: 0 }] }, asking('k'));
    const back = { ...(said.additional_kwargs['back'] as object), reasoning: '[redacted]' };
    const redacted = new AIMessage({ content: '', tool_calls: said.tool_calls ?? [], additional_kwargs: { back } });
    expect(JSON.stringify(toChatMessages([...HEAD, redacted, resultOf('k')], FORM))).not.toContain('reasoning');
  });
});
