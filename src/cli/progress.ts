import { Transform } from 'node:stream';
import { size } from './text.ts';

/** Between two lines: work that ends at once shows nothing. */
const TELL_MS = 500;

/** Where progress is shown: standard error, as a rule. */
type Shown = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean };

/** How far some long work is. */
export type Progress = ReturnType<typeof progressOf>;

/** Says how far long work is: on a terminal one line that is written over, elsewhere nothing. */
export function progressOf(
  stream: Shown,
  { what, of, tell_ms = TELL_MS }: { what: string; of?: number; tell_ms?: number },
) {
  let done = 0;
  let told = performance.now();
  let shown = false;
  return {
    /** Adds bytes that are done. */
    add(bytes: number): void {
      done += bytes;
      if (!stream.isTTY || performance.now() - told < tell_ms) return;
      told = performance.now();
      shown = true;
      const share = of ? ` of ${size(of)}, ${Math.floor((100 * done) / of)} %` : '';
      stream.write(`\r\u001b[K${what}: ${size(done)}${share}`);
    },
    /** Takes the line away. */
    end(): void {
      if (shown) stream.write('\r\u001b[K');
    },
  };
}

/** Passes bytes on, and counts them. */
export const counted = (progress: Pick<Progress, 'add'>): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      progress.add(chunk.length);
      done(null, chunk);
    },
  });
