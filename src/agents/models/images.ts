import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import type { BaseMessage } from '@langchain/core/messages';
import { z } from 'zod';
import { Sha256 } from '../../schemas/primitives.ts';
import type { SeenImage } from '../../schemas/step.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/** The newest frames are shown; older ones stay words. Endpoints bound both count and bytes of a request. */
const IMAGES_MAX = 8;
const IMAGE_BYTES_MAX = 4 * 1024 * 1024;
const IMAGES_BYTES_MAX = 12 * 1024 * 1024;

/** The PNG frames that a tool's result lists. */
const Frames = z.object({ frames: z.array(z.object({ path: z.string().endsWith('.png'), sha256: Sha256 })) });

/** The frames of a result, as a tool message carries them along for models that see; empty where it lists none. */
export function framesOf(result: unknown): SeenImage[] {
  return Frames.safeParse(result).data?.frames.map(({ path, sha256 }) => ({ path, sha256 })) ?? [];
}

/**
 * The conversation with the newest frames of its tool results shown as pictures: in a message after the results of one
 * thought, since results themselves hold text only. `images` are those shown, in order; one that is too large is left out.
 */
export async function showImages(
  messages: BaseMessage[],
  store: Pick<ObjectStore, 'stat' | 'readBytes'>,
): Promise<{ messages: BaseMessage[]; images: SeenImage[] }> {
  const listed = messages.map((message) => (ToolMessage.isInstance(message) ? framesOf(message.metadata) : []));
  const urls = await load(listed.flat(), store);
  const shown: BaseMessage[] = [];
  const images: SeenImage[] = [];
  let waiting: SeenImage[] = [];
  const show = () => {
    if (waiting.length === 0) return;
    const pictures = waiting.map((frame) => ({ type: 'image_url', image_url: { url: urls.get(frame) } }));
    const text = `The frames, in this order: ${waiting.map(({ path }) => path).join(', ')}`;
    shown.push(new HumanMessage({ content: [{ type: 'text', text }, ...pictures] }));
    images.push(...waiting);
    waiting = [];
  };
  for (const [index, message] of messages.entries()) {
    if (!ToolMessage.isInstance(message)) show();
    shown.push(message);
    waiting.push(...(listed[index] ?? []).filter((frame) => urls.has(frame)));
  }
  show();
  return { messages: shown, images };
}

/** The newest frames as data URLs, within the bounds; a picture that was listed again is shown where it was last. */
async function load(
  frames: SeenImage[],
  store: Pick<ObjectStore, 'stat' | 'readBytes'>,
): Promise<ReadonlyMap<SeenImage, string>> {
  const urls = new Map<SeenImage, string>();
  const seen = new Set<string>();
  let left = IMAGES_BYTES_MAX;
  for (const frame of frames.toReversed()) {
    const { sha256 } = frame;
    if (urls.size === IMAGES_MAX) break;
    if (seen.has(sha256)) continue;
    seen.add(sha256);
    const size = (await store.stat(sha256))?.size_bytes;
    if (size === undefined || size > Math.min(left, IMAGE_BYTES_MAX)) continue;
    const bytes = await store.readBytes(sha256, { maxBytes: IMAGE_BYTES_MAX });
    urls.set(frame, `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`);
    left -= size;
  }
  return urls;
}
