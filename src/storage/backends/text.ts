import { AppError } from '../../errors.ts';

/** Characters of a matching line that a search shows; the cut is marked. */
const MATCH_LINE_LENGTH_MAX = 2_000;

/** Bytes as text; what is not UTF-8 becomes U+FFFD, and a byte order mark stays. */
export function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The bytes of a base64 text, with or without a `data:` prefix; throws invalid_argument for any other text. */
export function base64Bytes(text: string): Uint8Array {
  const payload = text.replace(/^data:[^,]*,/, '').replace(/\s+/g, '');
  if (payload.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(payload)) {
    throw new AppError('invalid_argument', 'A file with this ending holds bytes: its content must be base64.');
  }
  return Buffer.from(payload, 'base64');
}

/** A page of lines, with deepagents' facts about where it lies. A whole file's page is the file, its last newline too. */
export function pageOf(text: string, offset: number, limit: number) {
  const from = wholeNumber(offset);
  const count = wholeNumber(limit);
  const lines = text.split('\n');
  const totalLines = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (totalLines === 0 && from === 0) return { content: text, totalLines };
  if (from >= totalLines) {
    throw new AppError('out_of_range', `Line ${from} lies beyond the file's ${totalLines} lines (counted from 0).`);
  }
  const content = lines.slice(from, Math.min(from + count, lines.length)).join('\n');
  if (count === 0) return { content, totalLines };
  const endLine = Math.min(from + count, totalLines);
  const page = { content, totalLines, startLine: from + 1, endLine };
  return endLine < totalLines ? { ...page, nextOffset: endLine } : page;
}

/** A text with `oldText` replaced, once or everywhere. Throws failed_precondition, with what the agent should change. */
export function replaceText(
  text: string,
  { oldText, newText, all }: { oldText: string; newText: string; all: boolean },
  path: string,
): { text: string; occurrences: number } {
  if (oldText === '') {
    if (text === '') return { text: newText, occurrences: 0 };
    throw new AppError('invalid_argument', 'The text to replace is empty; only an empty file is edited that way.');
  }
  const parts = text.split(oldText);
  const occurrences = parts.length - 1;
  if (occurrences === 0) throw new AppError('failed_precondition', `The text to replace does not occur in ${path}.`);
  if (occurrences > 1 && !all) {
    const message = `The text to replace occurs ${occurrences} times in ${path}: give more of its surroundings, or replace all.`;
    throw new AppError('failed_precondition', message);
  }
  return { text: parts.join(newText), occurrences };
}

/** The lines that hold a text literally, numbered from 1. */
export function* searchLines(text: string, pattern: string): Generator<{ line: number; text: string }> {
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.includes(pattern)) continue;
    const shown = line.length > MATCH_LINE_LENGTH_MAX ? `${line.slice(0, MATCH_LINE_LENGTH_MAX)} … [line cut]` : line;
    yield { line: index + 1, text: shown };
  }
}

function wholeNumber(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.floor(value)) : 0;
}
