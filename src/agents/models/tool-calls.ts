import { JsonObject, storableJson } from '../../schemas/primitives.ts';
import type { JsonInput } from '../../schemas/primitives.ts';
import type { ToolCall } from '../../schemas/step.ts';
import { countIn, jsonIn, listIn, objectIn, textIn } from './loose.ts';
import type { Loose } from './loose.ts';

/** A call as it has been heard so far. `opaque` is what the endpoint said of it besides: it wants that back as it was. */
export type Draft = { index: number | undefined; id: string; name: string; args: string; opaque: Loose };

/** More calls than this in one thought are a model that has lost its way. */
export const CALLS_PER_THOUGHT_MAX = 100;
const NAME_CHARS_MAX = 100;
const ID_CHARS_MAX = 200;
/** How much of what is no JSON object is kept for people and for the model. */
const MALFORMED_CHARS_MAX = 1_000;

/** Takes the calls of a piece of an answer in, in whatever shape they came; returns how many characters of arguments came. */
export function hearCalls(drafts: Draft[], said: unknown): number {
  let chars = 0;
  const touched = new Set<Draft>();
  // Some proxies write the list itself as a text.
  for (const one of listIn(typeof said === 'string' ? jsonIn(said) : said)) {
    const piece = pieceOf(one);
    if (!piece) continue;
    const draft = findDraft(drafts, piece, touched) ?? newDraft(drafts);
    touched.add(draft);
    draft.index ??= piece.index;
    draft.id ||= piece.id;
    if (piece.name !== draft.name) draft.name += piece.name;
    // Some say that there are no arguments before they say which.
    draft.args = draft.args.trim() === '{}' && piece.args !== '' ? piece.args : draft.args + piece.args;
    Object.assign(draft.opaque, piece.opaque);
    chars += piece.args.length;
  }
  return chars;
}

function newDraft(drafts: Draft[]): Draft {
  const draft: Draft = { index: undefined, id: '', name: '', args: '', opaque: {} };
  drafts.push(draft);
  return draft;
}

/** The members of a call that we make use of: the rest goes back with it. */
const OWN = new Set(['index', 'id', 'type', 'function', 'name', 'arguments', 'args', 'input', 'parameters']);

function pieceOf(said: unknown): Draft | undefined {
  const call = objectIn(said);
  if (!call) return undefined;
  const asked = objectIn(call['function']) ?? {};
  const id = textIn(call['id']) ?? (typeof call['id'] === 'number' ? String(call['id']) : '');
  const name = textIn(asked['name']) ?? textIn(call['name']) ?? '';
  const given = asked['arguments'] ?? asked['parameters'] ?? call['arguments'] ?? call['args'] ?? call['input'];
  const args = given === undefined || given === null ? '' : typeof given === 'string' ? given : JSON.stringify(given);
  const { name: _, arguments: __, parameters: ___, ...rest } = asked;
  const opaque = present(Object.fromEntries(Object.entries(call).filter(([key]) => !OWN.has(key))));
  const within = present(rest);
  if (Object.keys(within).length > 0) opaque['function'] = within;
  if (!id && !name && !args && Object.keys(opaque).length === 0) return undefined;
  return { index: countIn(call['index']), id, name, args, opaque };
}

const present = (members: Loose): Loose =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined));

/**
 * The call that a piece goes on with; undefined where it begins another. An index tells, but some give every call index 0,
 * none at all, or repeat id and name with every piece: another id begins another call, and so does another name, unless it goes
 * on with one that has no arguments yet, and any name after arguments that are whole. Pieces of one message that have no index are calls of their own.
 */
function findDraft(drafts: readonly Draft[], piece: Draft, touched: ReadonlySet<Draft>): Draft | undefined {
  const { index, id, name } = piece;
  const candidate =
    index === undefined
      ? id
        ? (drafts.findLast((one) => one.id === id) ?? drafts.findLast((one) => !one.id && !one.name))
        : drafts.at(-1)
      : drafts.findLast((one) => one.index === index);
  if (!candidate || (index === undefined && touched.has(candidate))) return undefined;
  if (id && candidate.id && id !== candidate.id) return undefined;
  const renamed = name !== '' && candidate.name !== '' && name !== candidate.name && !goesOnWithName(candidate, piece);
  const again = name !== '' && piece.args.trimStart().startsWith('{') && isWhole(candidate.args);
  return renamed || again ? undefined : candidate;
}

/** Whether a name comes in pieces: by the index alone, before any argument. */
const goesOnWithName = (candidate: Draft, { index, id }: Draft) =>
  index !== undefined && id === '' && candidate.id !== '' && candidate.args === '';

const isWhole = (args: string) => objectIn(jsonIn(args)) !== undefined;

/**
 * The calls that the pieces make up, in the model's order. Ids are made unique and safe for step keys. Arguments are read
 * strictly, for a repaired half of a file is not what the model meant: what is no JSON object makes the call `malformed`.
 */
export function finishCalls(drafts: readonly Draft[]): ToolCall[] {
  const ids = new Set<string>();
  return drafts.map(({ id, name, args }, place) => {
    const usable = /^[\w.:-]+$/.test(id) && id.length <= ID_CHARS_MAX && !ids.has(id);
    const own = usable ? id : unusedId(ids, place + 1);
    ids.add(own);
    return { id: own, name: name.slice(0, NAME_CHARS_MAX), ...parseArguments(args) };
  });
}

function unusedId(ids: ReadonlySet<string>, place: number): string {
  const id = `call-${place}`;
  return ids.has(id) ? unusedId(ids, place + CALLS_PER_THOUGHT_MAX) : id;
}

/** No arguments are said as nothing, or as null; some write the object's text as a JSON string, twice encoded. */
function parseArguments(text: string): Pick<ToolCall, 'args' | 'malformed'> {
  const parsed = text.trim() === '' ? {} : jsonIn(text);
  const given =
    parsed === null ? {} : typeof parsed === 'string' ? (parsed.trim() === '' ? {} : jsonIn(parsed)) : parsed;
  const args = given === undefined ? undefined : JsonObject.safeParse(storableJson(given as JsonInput)).data;
  return args ? { args } : { args: {}, malformed: text.slice(0, MALFORMED_CHARS_MAX) };
}
