import { AppError } from '../errors.ts';
import { JSON_DEPTH_MAX } from './json-body.ts';

/** An entry of a list as the client wrote it. `exact` is false where a number in it is none that a double holds. */
export type SourceText = { text: string; exact: boolean };

type Frame = { keys: Set<string> | null; key: string | undefined; awaitsKey: boolean };

/**
 * The entries of the list `member` of a JSON object, each as it is in the text, which must be valid JSON. What parsing
 * would hide is refused with `invalid_argument`: a name twice in one object, and more than JSON_DEPTH_MAX levels.
 */
export function sourceTextsOf(text: string, member: string): SourceText[] {
  const stack: Frame[] = [];
  const found: { start: number; end: number; exact: boolean }[] = [];
  const isEntry = () => stack.length === 2 && stack[0]?.key === member && stack[1]?.keys === null;
  const begin = (start: number) => {
    if (isEntry()) found.push({ start, end: start, exact: true });
  };
  const end = (at: number) => {
    const last = found.at(-1);
    if (last && isEntry()) last.end = at;
  };
  for (let at = 0; at < text.length;) {
    const char = text[at];
    const top = stack.at(-1);
    if (char === '{' || char === '[') {
      begin(at);
      const isObject = char === '{';
      stack.push({ keys: isObject ? new Set() : null, key: undefined, awaitsKey: isObject });
      if (stack.length > JSON_DEPTH_MAX)
        throw new AppError('invalid_argument', `The body is nested more than ${JSON_DEPTH_MAX} levels deep.`);
      at += 1;
    } else if (char === '}' || char === ']') {
      stack.pop();
      end((at += 1));
    } else if (char === ',') {
      if (top) top.awaitsKey = top.keys !== null;
      at += 1;
    } else if (char === '"' && top?.awaitsKey) {
      const next = endOfString(text, at);
      noteKey(top, text.slice(at, next));
      at = next;
    } else if (isSpaceOrColon(char)) at += 1;
    else {
      begin(at);
      const next = char === '"' ? endOfString(text, at) : endOfScalar(text, at);
      const last = found.at(-1);
      if (last && last.end === last.start && isInexact(text.slice(at, next))) last.exact = false;
      end((at = next));
    }
  }
  return found.map(({ start, end: stop, exact }) => ({ text: text.slice(start, stop), exact }));
}

function noteKey(frame: Frame, source: string): void {
  const key = JSON.parse(source) as string;
  if (frame.keys?.has(key)) throw new AppError('invalid_argument', 'The body names a member of an object twice.');
  frame.keys?.add(key);
  frame.key = key;
  frame.awaitsKey = false;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at += 1;
  return at;
}

const isSpaceOrColon = (char: string | undefined) =>
  char === ' ' || char === '\n' || char === '\r' || char === '\t' || char === ':';

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Whether this is a number that is not the same once it is parsed and written again. */
function isInexact(source: string): boolean {
  return DECIMAL.test(source) && decimalOf(source) !== decimalOf(String(Number(source)));
}

/** A decimal number in one way of writing it: its digits without zeros around them, and a power of ten. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] = DECIMAL.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return whole === '' ? text : '0';
  return `${sign}${significant}e${Number(power) - fraction.length + digits.length - significant.length}`;
}
