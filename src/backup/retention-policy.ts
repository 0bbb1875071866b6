/** What the policy needs to know of a point; `at_ms` is its snapshot in Unix milliseconds. */
export type RetainedPoint = { id: string; at_ms: number; complete: boolean; verified: boolean };

/** Points kept of each tier: the newest of each of the last days, then of earlier weeks, then of earlier months. */
export const RETENTION = { days: 7, weeks: 4, months: 6 } as const;
/** How many of the newest verified points are kept whatever their age. */
export const VERIFIED_MIN = 3;
/** An incomplete point is kept this long for whoever looks into it. */
const INCOMPLETE_AGE_MS_MAX = 7 * 86_400_000;

/**
 * The ids of the points to prune at `now_ms`. A point goes only when no tier needs it and a newer one is verified; the three
 * newest verified ones never go. Without a verified point nothing goes.
 */
export function selectPruned(points: RetainedPoint[], now_ms: number): string[] {
  const newestFirst = points.toSorted((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? 1 : -1));
  const verified = newestFirst.filter((point) => point.verified && point.complete);
  const [newest] = verified;
  if (!newest) return [];
  const kept = new Set(verified.slice(0, VERIFIED_MIN));
  const complete = newestFirst.filter((point) => point.complete);
  const tiers = new Set<RetainedPoint>();
  for (const [period, count] of [
    [dayOf, RETENTION.days],
    [weekOf, RETENTION.weeks],
    [monthOf, RETENTION.months],
  ] as const)
    for (const point of newestOfEach(complete, { period, count, taken: tiers })) tiers.add(point);
  return newestFirst
    .filter((point) => !kept.has(point) && !tiers.has(point) && point.at_ms < newest.at_ms)
    .filter((point) => point.complete || now_ms - point.at_ms > INCOMPLETE_AGE_MS_MAX)
    .map(({ id }) => id);
}

/** The newest point of each of the newest `count` periods in which no finer tier keeps one. */
function newestOfEach(
  newestFirst: RetainedPoint[],
  { period, count, taken }: { period: (at_ms: number) => number; count: number; taken: Set<RetainedPoint> },
): RetainedPoint[] {
  const covered = new Set([...taken].map(({ at_ms }) => period(at_ms)));
  const found = new Map<number, RetainedPoint>();
  for (const point of newestFirst) {
    const at = period(point.at_ms);
    if (found.size < count && !covered.has(at) && !found.has(at)) found.set(at, point);
  }
  return [...found.values()];
}

const dayOf = (at_ms: number): number => Math.floor(at_ms / 86_400_000);
/** Weeks begin on Monday; 1 January 1970 was a Thursday. */
const weekOf = (at_ms: number): number => Math.floor((dayOf(at_ms) + 3) / 7);

function monthOf(at_ms: number): number {
  const at = new Date(at_ms);
  return at.getUTCFullYear() * 12 + at.getUTCMonth();
}
