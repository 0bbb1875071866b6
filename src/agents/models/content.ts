import { listIn, objectIn, textIn } from './loose.ts';
import type { Loose } from './loose.ts';

/** Words, reasoning and refusal of one piece; `parts` are the content as it came, where it was more than words. */
export type Words = { text: string; reasoning: string; refusal: string; parts: Loose[] };

/** The parts that hold reasoning, in the words of Mistral, Anthropic and OpenAI. */
const REASONING_PARTS = new Set(['thinking', 'reasoning', 'redacted_thinking', 'reasoning_text', 'summary_text']);

/** What a message's content says: a text, a list of parts, one part, or nothing. */
export function wordsIn(content: unknown): Words {
  const words: Words = { text: '', reasoning: '', refusal: '', parts: [] };
  let plain = true;
  for (const part of listIn(content)) {
    const object = objectIn(part) ?? { type: 'text', text: typeof part === 'string' ? part : '' };
    const type = textIn(object['type']) ?? 'text';
    if (type === 'refusal') words.refusal += plainText(object['refusal'] ?? object['text']);
    else if (REASONING_PARTS.has(type))
      words.reasoning += plainText(object[type] ?? object['text'] ?? object['thinking']);
    else words.text += plainText(object['text'] ?? object['content']);
    plain &&= type === 'text' || type === 'output_text';
    words.parts.push(object);
  }
  if (plain) words.parts = [];
  return words;
}

/** All text in a value: of a text itself, of parts their texts, one after another. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  return listIn(value)
    .map((one) => {
      const part = objectIn(one);
      return part ? plainText(part['text'] ?? part['summary'] ?? part['content']) : typeof one === 'string' ? one : '';
    })
    .join('');
}

/**
 * What some templates leave in the words: the reasoning before `</think>`, at the beginning of an answer. Where an endpoint
 * tells reasoning apart by itself, the words are left as they are.
 */
export function splitThinking(text: string): { reasoning: string; text: string } {
  const close = text.indexOf('</think>');
  const opened = /^\s*<think>/.exec(text);
  if (opened && close < 0) return { reasoning: text.slice(opened[0].length), text: '' };
  const after = text.slice(close + '</think>'.length);
  // A template that opens the thought itself leaves only its end, on a line of its own.
  if (!opened && (close < 0 || text.lastIndexOf('<think>', close) >= 0 || !/^\s*(\n|$)/.test(after)))
    return { reasoning: '', text };
  return { reasoning: text.slice(opened?.[0].length ?? 0, close).trim(), text: after.trimStart() };
}
