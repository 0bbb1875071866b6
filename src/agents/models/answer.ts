import type { Said } from './model.ts';
import { plainText, splitThinking, wordsIn } from './content.ts';
import { endOf, gaveUp } from './ends.ts';
import { endpointFailed, faultIn } from './endpoint-errors.ts';
import { listIn, objectIn, textIn } from './loose.ts';
import type { Loose } from './loose.ts';
import { BACK_MEMBERS, joinOpaque, joinParts, REASONING_MEMBERS } from './opaque.ts';
import { CALLS_PER_THOUGHT_MAX, finishCalls, hearCalls } from './tool-calls.ts';
import type { Draft } from './tool-calls.ts';
import { mostOf, tokensIn } from './usage.ts';
import type { TokenCount } from './usage.ts';

/** Far above what models can say at once: an answer that goes on and on is stopped. In UTF-16 units. */
const ANSWER_CHARS_MAX = 4_000_000;
/** What is opaque to us is kept up to here; more than this is none of what providers want back. In UTF-16 units of JSON. */
const OPAQUE_CHARS_MAX = 1_000_000;
/** An endpoint's words for itself: ids, versions, reasons. */
const NAME_CHARS_MAX = 200;

/** The members that hold reasoning as a text: it is recorded by itself, and goes back as `reasoning_back` says. */
const REASONING_TEXTS: readonly string[] = ['reasoning_content', 'reasoning'];

/** What has been heard of an answer so far. */
export type Hearing = {
  text: string;
  reasoning: string;
  refusal: string;
  /** The member in which the reasoning came, where it was a member of the message. */
  reasoning_member: string | undefined;
  parts: Loose[];
  drafts: Draft[];
  /** What goes back as it was: of the message, and of its reasoning. */
  opaque: Loose;
  opaque_reasoning: Loose;
  chars: number;
  tokens: TokenCount | undefined;
  finish_reason: string | null;
  response_id: string | null;
  model: string | null;
  /** Whether there was a choice at all, and whether the endpoint said that it is through. */
  chosen: boolean;
  finished: boolean;
};

/** Nothing heard yet. */
export const newHearing = (): Hearing => ({
  text: '',
  reasoning: '',
  refusal: '',
  reasoning_member: undefined,
  parts: [],
  drafts: [],
  opaque: {},
  opaque_reasoning: {},
  chars: 0,
  tokens: undefined,
  finish_reason: null,
  response_id: null,
  model: null,
  chosen: false,
  finished: false,
});

/** What one piece of an answer, or a whole one, adds to it. `back` names further members that go back as they were. */
export function hear(heard: Hearing, piece: unknown, back: readonly string[] = []): void {
  for (const one of listIn(piece)) hearPiece(heard, one, back);
}

function hearPiece(heard: Hearing, said: unknown, back: readonly string[]): void {
  const piece = objectIn(said);
  if (!piece) return; // a number or a text between the pieces says nothing
  const choices = listIn(piece['choices'])
    .map(objectIn)
    .filter((one) => one !== undefined);
  // One answer is asked for. Where there are several all the same, the first is it.
  const choice = choices.find((one) => Number(one['index'] ?? 0) === 0);
  heard.tokens = mostOf(
    heard.tokens,
    tokensIn(
      piece['usage'],
      objectIn(piece['x_groq'])?.['usage'],
      choice?.['usage'],
      piece['timings'],
      piece['usageMetadata'],
    ),
  );
  heard.response_id ??= named(piece['id']);
  heard.model ??= named(piece['model']);
  const fault = faultIn(piece);
  if (fault) throw fault;
  if (choice) hearChoice(heard, choice, back);
  else if (heard.chosen && (heard.tokens?.output_tokens ?? 0) > 0) heard.finished = true; // the count comes after the end
}

function hearChoice(heard: Hearing, choice: Loose, back: readonly string[]): void {
  heard.chosen = true;
  const whole = objectIn(choice['message']);
  // A whole message after its pieces repeats them.
  if (whole && !objectIn(choice['delta'])) Object.assign(heard, { ...newHearing(), ...aboutAnswer(heard) });
  const message = objectIn(choice['delta']) ?? whole ?? choice;
  hearWords(heard, message);
  heard.chars += hearCalls(heard.drafts, message['tool_calls'] ?? message['function_call']);
  hearOpaque(heard, message, back);
  const reason = choice['finish_reason'] ?? choice['finishReason'] ?? (whole && choice['stop_reason']);
  heard.finish_reason = named(reason) ?? heard.finish_reason;
  if (heard.finish_reason !== null || whole) heard.finished = true;
  if (heard.chars > ANSWER_CHARS_MAX) throw endpointFailed(`the model's answer exceeds ${ANSWER_CHARS_MAX} characters`);
  if (heard.drafts.length > CALLS_PER_THOUGHT_MAX)
    throw endpointFailed(`the model asks for more than ${CALLS_PER_THOUGHT_MAX} calls at once`);
}

const aboutAnswer = ({ tokens, finish_reason, response_id, model, chosen, chars }: Hearing): Partial<Hearing> => ({
  tokens,
  finish_reason,
  response_id,
  model,
  chosen,
  chars,
});

function hearWords(heard: Hearing, message: Loose): void {
  const words = wordsIn(message['content'] ?? message['text']);
  heard.text += words.text;
  heard.refusal += words.refusal + plainText(message['refusal']);
  const member = REASONING_TEXTS.find((name) => plainText(message[name]) !== '');
  const told = member === undefined ? '' : plainText(message[member]);
  heard.reasoning_member ??= member;
  // Those who send it in several members send the same in each.
  const detailed =
    told || words.reasoning || [...REASONING_MEMBERS].map((name) => detailsIn(message[name])).find(Boolean);
  heard.reasoning += detailed ?? '';
  if (words.parts.length > 0 || heard.parts.length > 0)
    heard.parts = joinParts(heard.parts, words.parts.length > 0 ? words.parts : textPart(words.text)) as Loose[];
  heard.chars += words.text.length + words.refusal.length + (detailed?.length ?? 0);
}

const textPart = (text: string): Loose[] => (text ? [{ type: 'text', text }] : []);

const detailsIn = (value: unknown): string =>
  listIn(value)
    .map((one) => {
      const detail = objectIn(one) ?? {};
      return plainText(detail['text'] ?? detail['summary'] ?? detail['thinking']);
    })
    .join('');

function hearOpaque(heard: Hearing, message: Loose, back: readonly string[]): void {
  for (const [name, value] of Object.entries(message)) {
    if (REASONING_MEMBERS.has(name)) heard.opaque_reasoning[name] = joinOpaque(heard.opaque_reasoning[name], value);
    else if (BACK_MEMBERS.has(name) || (back.includes(name) && !REASONING_TEXTS.includes(name)))
      heard.opaque[name] = joinOpaque(heard.opaque[name], value);
    else continue;
    heard.chars += JSON.stringify(value ?? null).length;
  }
}

/** What the answer came to. Throws `model_failed` unless it is whole. `provider` is who wants back what it said. */
export function finish(heard: Hearing, provider: string): Omit<Said, 'usage'> {
  if (!heard.chosen) throw endpointFailed('the model endpoint answered without a choice');
  if (gaveUp(heard.finish_reason))
    throw endpointFailed(`the model endpoint gave the answer up: finish_reason ${heard.finish_reason}`);
  if (!heard.finished) throw endpointFailed("the model's answer broke off before it was complete");
  const { refusal, finish_reason, response_id, model } = heard;
  const words = heard.reasoning ? { text: heard.text, reasoning: heard.reasoning } : splitThinking(heard.text);
  const tool_calls = finishCalls(heard.drafts);
  const end = endOf({ finish_reason, refusal, text: words.text, calls: tool_calls });
  return {
    text: words.text,
    tool_calls,
    ...(words.reasoning && { reasoning: words.reasoning }),
    ...(refusal && { refusal }),
    ...(end && { end }),
    answer: { finish_reason, response_id, model },
    ...backOf(heard, provider, tool_calls),
  };
}

/** What the endpoint wants back with this message, under the ids that the calls now have; nothing where there is none. */
function backOf(heard: Hearing, provider: string, calls: Said['tool_calls']): Pick<Said, 'back'> {
  const { opaque, opaque_reasoning, parts, drafts, reasoning_member } = heard;
  const ofCalls = drafts.flatMap(({ opaque: own }, place) => {
    const id = calls[place]?.id;
    return id !== undefined && Object.keys(own).length > 0 ? [[id, own] as const] : [];
  });
  const reasoning = {
    ...(reasoning_member !== undefined && { member: reasoning_member }),
    ...(parts.length > 0 && { parts }),
    ...(Object.keys(opaque_reasoning).length > 0 && { members: opaque_reasoning }),
  };
  const back = {
    ...(Object.keys(opaque).length > 0 && { message: opaque }),
    ...(Object.keys(reasoning).length > 0 && { reasoning }),
    ...(ofCalls.length > 0 && { calls: Object.fromEntries(ofCalls) }),
  };
  if (Object.keys(back).length === 0 || JSON.stringify(back).length > OPAQUE_CHARS_MAX) return {};
  return { back: { provider, ...back } as NonNullable<Said['back']> };
}

const named = (value: unknown): string | null => textIn(value)?.slice(0, NAME_CHARS_MAX) ?? null;
