import { expect, test } from 'vitest';
import { progressOf } from '../../../src/cli/progress.ts';

/** What is written to a terminal, or to a file. */
function screen(isTTY: boolean) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { written, stream: { isTTY, write } };
}

test('long work says on a terminal how far it is, of how much, and takes its line away', () => {
  const { written, stream } = screen(true);
  const progress = progressOf(stream, { what: 'Sending', of: 4_000_000, tell_ms: 0 });
  progress.add(1_000_000);
  progress.end();
  expect(written).toEqual(['\r\u001b[KSending: 1.0 MB of 4.0 MB, 25 %', '\r\u001b[K']);
});

test('work that ends at once says nothing', () => {
  const { written, stream } = screen(true);
  const progress = progressOf(stream, { what: 'Sending', of: 10, tell_ms: 60_000 });
  progress.add(10);
  progress.end();
  expect(written).toEqual([]);
});

test('elsewhere it says nothing', () => {
  const { written, stream } = screen(false);
  const progress = progressOf(stream, { what: 'Receiving', tell_ms: 0 });
  progress.add(10);
  progress.end();
  expect(written).toEqual([]);
});
