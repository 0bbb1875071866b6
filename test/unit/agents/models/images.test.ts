import { createHash } from 'node:crypto';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { expect, test } from 'vitest';
import { buildConversation } from '../../../../src/agents/conversation.ts';
import { createAgents } from '../../../../src/agents/agents.ts';
import { framesOf, showImages } from '../../../../src/agents/models/images.ts';
import type { JsonStore } from '../../../../src/storage/json-store.ts';
import type { Episode } from '../../../../src/schemas/episode.ts';
import type { Json } from '../../../../src/schemas/primitives.ts';
import type { Step } from '../../../../src/schemas/step.ts';

const { get: getAgent } = createAgents(new Map());

const KB = 1024;

/** Frames of this many bytes, and the store that holds them. */
function frames(sizes: number[]) {
  const objects = new Map<string, Buffer>();
  const listed = sizes.map((size, index) => {
    const bytes = Buffer.alloc(size, index + 1);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    objects.set(sha256, bytes);
    return { path: `/renders/t${index}.png`, sha256 };
  });
  const bytesOf = (sha256: string) => objects.get(sha256) ?? Buffer.alloc(0);
  const store = {
    stat: async (sha256: string) =>
      objects.has(sha256) ? { sha256, size_bytes: bytesOf(sha256).length, content_type: 'image/png' } : undefined,
    readBytes: async (sha256: string) => bytesOf(sha256),
  };
  return { listed, store };
}

const result = (id: string, shown: ReturnType<typeof frames>['listed']) =>
  new ToolMessage({ tool_call_id: id, content: 'looked', metadata: { seq: 2, frames: shown } });
const thought = new AIMessage({ content: '', tool_calls: [{ id: 'a', name: 'inspect_media', args: {} }] });
const kindsOf = (messages: BaseMessage[]) => messages.map(({ type }) => type);
const picturesOf = (messages: BaseMessage[]) =>
  messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.filter(({ type }) => type === 'image_url'),
  );

test('frames are shown as pictures after all results of the thought that asked for them', async () => {
  const { listed, store } = frames([KB, 2 * KB]);
  const messages = [new HumanMessage('go'), thought, result('a', listed), result('b', []), thought];
  const { messages: shown, images } = await showImages(messages, store);
  expect(kindsOf(shown)).toEqual(['human', 'ai', 'tool', 'tool', 'human', 'ai']);
  expect(shown[4]?.text).toBe('The frames, in this order: /renders/t0.png, /renders/t1.png');
  const url = `data:image/png;base64,${Buffer.alloc(KB, 1).toString('base64')}`;
  expect(picturesOf(shown)[0]).toEqual({ type: 'image_url', image_url: { url } });
  expect(images).toEqual(listed);
});

test('the newest are shown when there are more than a request may hold', async () => {
  const { listed, store } = frames(Array.from({ length: 12 }, () => KB).map((size, index) => size + index));
  const messages = [thought, result('a', listed.slice(0, 6)), thought, result('b', listed.slice(6))];
  const { images, messages: shown } = await showImages(messages, store);
  expect(images).toEqual(listed.slice(4));
  expect(picturesOf(shown)).toHaveLength(8);
});

test('bytes are bounded too: one that is too large, or is not there any more, is left out', async () => {
  const { listed, store } = frames([KB, 5 * KB * KB, 3 * KB]);
  const gone = { path: '/renders/gone.png', sha256: '0'.repeat(64) };
  const { images } = await showImages([thought, result('a', [...listed, gone])], store);
  expect(images).toEqual([listed[0], listed[2]]);
  const many = frames([4, 4, 4, 4].map((mb, index) => mb * KB * KB - index));
  expect((await showImages([thought, result('a', many.listed)], many.store)).images).toEqual(many.listed.slice(1));
});

test('a picture that was looked at twice is shown once, where it was last', async () => {
  const { listed, store } = frames([KB]);
  const { messages } = await showImages([thought, result('a', listed), thought, result('b', listed)], store);
  expect(kindsOf(messages)).toEqual(['ai', 'tool', 'ai', 'tool', 'human']);
});

test('a result without frames lists none', () => {
  expect(
    [undefined, { frames: 4 }, { frames: [{ path: '/a.mp4', sha256: '0'.repeat(64) }] }].flatMap(framesOf),
  ).toEqual([]);
});

test('the frames that a recorded step lists travel along in the conversation that is rebuilt from it', async () => {
  const { listed, store } = frames([KB]);
  const [role] = getAgent('single_engineer').roles;
  if (!role) throw new Error('the agent has no role');
  const step = {
    id: 's',
    seq: 2,
    agent: role.name,
    kind: 'tool_call',
    name: 'inspect_media',
    status: 'ok',
    error: null,
  };
  const output = { content: 'one frame', result: { frames: listed.map((frame) => ({ ...frame, time_s: 0 })) } };
  const steps = [{ ...step, step_key: 'think:1/c1', output }] as unknown as Step[];
  const episode = { task: 'look', inputs: [] } as unknown as Episode;
  const json = { unpack: async (value: Json | null) => value } as unknown as JsonStore;
  const messages = await buildConversation({ episode, role, steps }, json);
  expect(kindsOf(messages)).toEqual(['system', 'human', 'tool']);
  const { images, messages: shown } = await showImages(messages, store);
  expect(images).toEqual(listed);
  expect(kindsOf(shown)).toEqual(['system', 'human', 'tool', 'human']);
});
