import { useEffect } from 'react';
import { isTrouble } from './rows.ts';
import type { Row } from './rows.ts';
import { placeOf } from './store.ts';
import { TABS } from './place.ts';
import type { Place } from './place.ts';

type Move = (change: Partial<Place>, options?: { keep?: boolean }) => void;
type Options = { rows: readonly Row[]; place: Place; go: Move };

/** Events by which keys ask parts of the page for what only they can do. */
export const ASK = {
  collapse: 'ask-collapse',
  expand: 'ask-expand',
  find: 'ask-find',
  help: 'ask-help',
  play: 'ask-play',
  back: 'ask-back',
  on: 'ask-on',
} as const;

/** The keys of the episode's page, while nobody types and no window is open. */
export function useKeys(options: Options): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      const typing =
        target instanceof HTMLElement &&
        target.closest('input, textarea, select, dialog, [contenteditable], .cm-editor');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (press(event.key, options)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}

const ASKED: Record<string, string> = {
  h: ASK.collapse,
  ArrowLeft: ASK.collapse,
  l: ASK.expand,
  ArrowRight: ASK.expand,
  '/': ASK.find,
  '?': ASK.help,
  ' ': ASK.play,
  ',': ASK.back,
  '.': ASK.on,
};

/** Does what the key asks for; returns whether it asks for anything. */
function press(key: string, { rows, place, go }: Options): boolean {
  const at = place.step === null ? -1 : placeOf(rows, place.step);
  const choose = (row: Row | undefined) => {
    if (row) go({ step: row.seq, t: null });
    return true;
  };
  const event = ASKED[key];
  if (event !== undefined) return dispatchEvent(new CustomEvent(event));
  if (key === 'j' || key === 'ArrowDown') return choose(rows[Math.min(at + 1, rows.length - 1)]);
  if (key === 'k' || key === 'ArrowUp') return choose(rows[Math.max(at - 1, 0)]);
  if (key === 'g') return choose(rows[0]);
  if (key === 'G') return choose(rows.at(-1));
  if (key === 'n') return choose(rows.find((row, index) => index > at && isTrouble(row)));
  if (key === 'p') return choose(rows.findLast((row, index) => index < (at < 0 ? rows.length : at) && isTrouble(row)));
  if (key === 'Escape' && place.step !== null) {
    go({ step: null });
    return true;
  }
  const tab = TABS[Number(key) - 1];
  if (tab !== undefined) {
    go({ tab });
    return true;
  }
  if (key === 'y') {
    void navigator.clipboard?.writeText(location.href);
    return true;
  }
  return false;
}

/** What each key does, as the page's help says it. */
export const KEYS_HELP: [string, string][] = [
  ['j · k', 'next, previous step'],
  ['n · p', 'next, previous trouble'],
  ['h · l', 'collapse, expand in the tree'],
  ['g · G', 'first, last step'],
  ['1 – 7', 'summary, input, output, files, logs, attempts, raw'],
  ['/', 'find'],
  ['Space', 'play, pause'],
  [', · .', 'one frame back, on'],
  ['y', 'copy the link to what you see'],
  ['Esc', 'close the step'],
  ['?', 'this help'],
];
