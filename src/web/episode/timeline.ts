import type { Row } from './rows.ts';

/** A stretch in which nothing ran is drawn this wide, as a share of all that is busy, however long it lasted. */
const IDLE_SHARE = 0.012;
/** What is shorter than this is not worth leaving out, in milliseconds. */
const IDLE_MS_MIN = 2_000;

/** A stretch of time: from when to when, in milliseconds after the episode was accepted, and where it is drawn, from 0 to 1. */
export type Stretch = { from_ms: number; to_ms: number; left: number; right: number; idle: boolean };

/** How time is drawn: stretches that were busy to scale, stretches in which nothing ran as a notch. */
export type Timeline = { stretches: Stretch[]; end_ms: number };

/** When a step ended; one that runs ends now. */
export const endOf = (row: Row, now_ms: number): number =>
  row.duration_ms === null ? Math.max(now_ms, row.at_ms) : row.at_ms + row.duration_ms;

/** The timeline of these steps. */
export function toTimeline(rows: readonly Row[], now_ms: number): Timeline {
  const spans = rows.map((row) => [row.at_ms, endOf(row, now_ms)] as const).toSorted(([a], [b]) => a - b);
  const busy: [number, number][] = [];
  for (const [from, to] of spans) {
    const last = busy.at(-1);
    if (last && from <= last[1] + IDLE_MS_MIN) last[1] = Math.max(last[1], to);
    else busy.push([from, to]);
  }
  const busy_ms = busy.reduce((sum, [from, to]) => sum + to - from, 0) || 1;
  const notch = busy.length > 1 ? Math.min(IDLE_SHARE, 0.3 / (busy.length - 1)) : 0;
  const scale = (1 - notch * (busy.length - 1)) / busy_ms;
  const stretches: Stretch[] = [];
  let left = 0;
  for (const [from, to] of busy) {
    const before = stretches.at(-1);
    if (before) {
      stretches.push({ from_ms: before.to_ms, to_ms: from, left, right: left + notch, idle: true });
      left += notch;
    }
    const right = left + (to - from) * scale;
    stretches.push({ from_ms: from, to_ms: to, left, right, idle: false });
    left = right;
  }
  return { stretches, end_ms: busy.at(-1)?.[1] ?? 0 };
}

/** Where a moment is drawn, from 0 to 1. */
export function toShare({ stretches }: Timeline, ms: number): number {
  let [low, high] = [0, stretches.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((stretches[middle]?.to_ms ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  const stretch = stretches[low];
  if (!stretch) return 0;
  const length = stretch.to_ms - stretch.from_ms;
  const within = length === 0 ? 0 : Math.min(1, Math.max(0, (ms - stretch.from_ms) / length));
  return stretch.left + within * (stretch.right - stretch.left);
}
