import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RETENTION, selectPruned, VERIFIED_MIN } from '../../../src/backup/retention-policy.ts';
import type { RetainedPoint } from '../../../src/backup/retention-policy.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2025-01-01T02:00:00Z');

const arbitraryPoints = fc
  .array(fc.record({ day: fc.integer({ min: 0, max: 400 }), complete: fc.boolean(), verified: fc.boolean() }), {
    maxLength: 60,
  })
  .map((all) =>
    all.map(({ day, complete, verified }, n): RetainedPoint => ({
      id: `point-${n}`,
      at_ms: START_MS + day * DAY_MS + n,
      complete,
      verified: verified && complete,
    })),
  );

test('400 nights leave exactly seven daily, four weekly and six monthly points', () => {
  let points: RetainedPoint[] = [];
  const nights: RetainedPoint[][] = [];
  for (let night = 0; night < 400; night++) {
    const now = START_MS + night * DAY_MS;
    points.push({ id: `night-${night}`, at_ms: now, complete: true, verified: true });
    const pruned = new Set(selectPruned(points, now));
    points = points.filter(({ id }) => !pruned.has(id));
    const days = Math.min(night + 1, RETENTION.days);
    const newest = points.toReversed().slice(0, days);
    expect(newest.map(({ at_ms }) => (now - at_ms) / DAY_MS)).toEqual(newest.map((_, age) => age));
    nights.push([...points]);
  }
  for (const kept of nights.slice(300)) {
    const older = kept.slice(0, -RETENTION.days);
    const weekly = older.slice(-RETENTION.weeks);
    const monthly = older.slice(0, -RETENTION.weeks);
    expect(kept.length).toBe(RETENTION.days + RETENTION.weeks + RETENTION.months);
    expect(weekly.map(({ at_ms }) => new Date(at_ms).getUTCDay())).toEqual([0, 0, 0, 0]);
    const months = monthly.map(({ at_ms }) => new Date(at_ms).toISOString().slice(0, 7));
    expect(new Set(months).size).toBe(RETENTION.months);
  }
});

test('three verified points always stay, and the newest of them is never given up', () => {
  fc.assert(
    fc.property(arbitraryPoints, (points) => {
      const pruned = new Set(selectPruned(points, START_MS + 500 * DAY_MS));
      const verified = points.filter((point) => point.verified).toSorted((a, b) => b.at_ms - a.at_ms);
      for (const point of verified.slice(0, VERIFIED_MIN)) expect(pruned.has(point.id)).toBe(false);
    }),
  );
});

test('nothing goes unless something newer is verified', () => {
  fc.assert(
    fc.property(arbitraryPoints, (points) => {
      const newest = Math.max(...points.filter(({ verified }) => verified).map(({ at_ms }) => at_ms));
      const pruned = new Set(selectPruned(points, START_MS + 500 * DAY_MS));
      const gone = points.filter(({ id }) => pruned.has(id));
      expect(gone.filter(({ at_ms }) => !(at_ms < newest))).toEqual([]);
    }),
  );
});

test('while drills fail nothing is given up, however many nights pass', () => {
  const points = Array.from({ length: 40 }, (_, night) => ({
    id: `night-${night}`,
    at_ms: START_MS + night * DAY_MS,
    complete: true,
    verified: false,
  }));
  expect(selectPruned(points, START_MS + 40 * DAY_MS)).toEqual([]);
});

test('pruning what was pruned before prunes nothing more', () => {
  fc.assert(
    fc.property(arbitraryPoints, (points) => {
      const now = START_MS + 500 * DAY_MS;
      const pruned = new Set(selectPruned(points, now));
      const left = points.filter(({ id }) => !pruned.has(id));
      expect(selectPruned(left, now)).toEqual([]);
    }),
  );
});
