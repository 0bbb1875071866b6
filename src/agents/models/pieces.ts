import { createParser } from 'eventsource-parser';
import { endpointFailed, faultIn, faultOfText } from './endpoint-errors.ts';
import { jsonIn, objectIn } from './loose.ts';

/** An answer that is no stream is kept whole: no more than this. In UTF-16 units. */
const BODY_CHARS_MAX = 16_000_000;

/** A piece of an answer, or the end that the endpoint says it has come to. */
export type Piece = { value: unknown } | 'done';

/**
 * The pieces of an answer's body, whatever it says that it is: a stream of events, one whole answer, or one JSON value a line.
 * Throws `model_failed` where it is none of these. `onBytes` hears of everything that comes, also of what says nothing.
 */
export async function* readPieces(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<Piece, void> {
  const decoder = new TextDecoder();
  let whole = '';
  let events: ReturnType<typeof readEvents> | undefined;
  for await (const bytes of body) {
    onBytes();
    const text = decoder.decode(bytes, { stream: true });
    if (!events) {
      whole += text;
      const first = whole.trimStart()[0];
      if (whole.length > BODY_CHARS_MAX) throw endpointFailed(`the answer exceeds ${BODY_CHARS_MAX} characters`);
      if (first === undefined || '{[<"'.includes(first)) continue;
      events = readEvents();
      yield* events.read(whole);
      continue;
    }
    yield* events.read(text);
  }
  yield* events ? events.end() : piecesOfWhole(whole);
}

/** A body that began like JSON or like a page. */
function piecesOfWhole(text: string): Piece[] {
  if (text.trim() === '') throw endpointFailed('the model endpoint answered with nothing at all');
  const value = jsonIn(text);
  if (typeof value === 'object' && value !== null) return [{ value }];
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line.trim() !== 'data: [DONE]');
  const values = lines.map((line) => jsonIn(line.replace(/^data:/, '')));
  if (!objectIn(values[0])) throw faultOfText(text);
  return values.map((one) => {
    if (one === undefined) throw endpointFailed("the model's answer broke off in the middle of a piece");
    return { value: one };
  });
}

/** Reads server-sent events; an event that is no JSON breaks the answer off. */
function readEvents() {
  let pieces: Piece[] = [];
  let torn: string | undefined;
  let stray = '';
  const parser = createParser({
    onEvent({ data, event }) {
      const text = data.trim();
      if (text === '' || torn !== undefined) return;
      if (text === '[DONE]') {
        pieces.push('done');
        return;
      }
      const value = jsonIn(text);
      if (value === undefined) torn = text;
      else pieces.push({ value: event === 'error' && !objectIn(value)?.['error'] ? { error: value } : value });
    },
    // Some write an error into the stream as it is, without "data:".
    onError({ line = '' }) {
      stray += `${line}\n`;
    },
  });
  function* take(): Generator<Piece, void> {
    const taken = pieces;
    pieces = [];
    yield* taken;
    if (torn === undefined) return;
    throw endpointFailed(`the model's answer broke off in the middle of a piece: ${torn.slice(0, 100)}`);
  }
  return {
    *read(text: string): Generator<Piece, void> {
      parser.feed(text);
      yield* take();
    },
    /** What was left without an empty line after it. */
    *end(): Generator<Piece, void> {
      parser.feed('\n\n');
      yield* take();
      const said = objectIn(jsonIn(stray));
      const fault = said && faultIn(said);
      if (fault) throw fault;
      if (said) yield { value: said };
    },
  };
}
