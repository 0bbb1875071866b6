import { size } from './recovery.ts';

/** Between two lines: work that ends at once shows nothing. */
const TELL_MS = 500;

/** Says how far long work is: on a terminal one line that is written over, elsewhere nothing. */
export function progressOf(stream: NodeJS.WriteStream, { what, of }: { what: string; of?: number }) {
  let done = 0;
  let told = performance.now();
  let shown = false;
  return {
    /** Adds bytes that are done. */
    add(bytes: number): void {
      done += bytes;
      if (!stream.isTTY || performance.now() - told < TELL_MS) return;
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
