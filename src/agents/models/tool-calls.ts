import { JsonObject, storableJson } from '../../schemas/primitives.ts';
import type { JsonInput } from '../../schemas/primitives.ts';
import type { ToolCall } from '../../schemas/step.ts';

/** A piece of a call as it is streamed: the first piece of a call names it, the others go on with its arguments. */
export type CallPiece = {
  index?: number | undefined;
  id?: string | undefined;
  name?: string | undefined;
  args?: string | undefined;
};
type Draft = { index: number; id: string; name: string; args: string };

/** More calls than this in one thought are a model that has lost its way. */
export const CALLS_PER_THOUGHT_MAX = 100;
const NAME_CHARS_MAX = 100;
const ID_CHARS_MAX = 200;
/** How much of what is no JSON object is kept for people and for the model. */
const MALFORMED_CHARS_MAX = 1_000;

/** Adds a piece to the calls so far. Some endpoints give every parallel call index 0: another id begins another call. */
export function addPiece(drafts: Draft[], { index = 0, id = '', name = '', args = '' }: CallPiece): void {
  const draft = drafts.findLast((one) => one.index === index);
  if (!draft || (id && draft.id && id !== draft.id)) {
    drafts.push({ index, id, name, args });
    return;
  }
  draft.id ||= id;
  draft.name ||= name;
  draft.args += args;
}

/**
 * The calls that the pieces make up, in the model's order. Ids are made unique and safe for step keys. Arguments are read
 * strictly, for a repaired half of a file is not what the model meant: what is no JSON object makes the call `malformed`.
 */
export function finishCalls(drafts: readonly Draft[]): ToolCall[] {
  const ids = new Set<string>();
  return drafts.map(({ id, name, args }, place) => {
    const usable = /^[\w.:-]+$/.test(id) && id.length <= ID_CHARS_MAX && !ids.has(id);
    const own = usable ? id : `call-${place + 1}`;
    ids.add(own);
    return { id: own, name: name.slice(0, NAME_CHARS_MAX), ...parseArguments(args) };
  });
}

function parseArguments(text: string): Pick<ToolCall, 'args' | 'malformed'> {
  if (text.trim() === '') return { args: {} }; // how several endpoints say "no arguments"
  try {
    const parsed = JsonObject.safeParse(storableJson(JSON.parse(text) as JsonInput));
    if (parsed.success) return { args: parsed.data };
  } catch {
    // No JSON at all: told below, in the same words.
  }
  return { args: {}, malformed: text.slice(0, MALFORMED_CHARS_MAX) };
}
