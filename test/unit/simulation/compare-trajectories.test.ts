import { expect, test } from 'vitest';
import { compareTrajectories } from '../../../src/simulation/compare-trajectories.ts';

const trajectory = (frames: number[][]) => ({
  nq: 2,
  nv: 1,
  fps: 30,
  sha256: '',
  frames: frames.map((frame) => Float64Array.from(frame)),
});
const BEFORE = trajectory([
  [0, 1, 2, 3],
  [0.5, 1, 2, 3],
]);

test('the largest difference of two trajectories is told with its place and time', () => {
  const now = trajectory([
    [0, 1, 2.25, 3],
    [0.5, 1, 2, 3.5],
  ]);
  expect(compareTrajectories(BEFORE, now)).toBe('the largest error is 5.000e-1 in qvel[0] at 0.500 s');
});

test('equal frames, another length and another scene are each told as such', () => {
  expect(compareTrajectories(BEFORE, BEFORE)).toBe('the 2 frames are equal');
  expect(compareTrajectories(BEFORE, trajectory([[0, 1, 2, 3]]))).toBe('the 1 frames are equal and 2 frames became 1');
  expect(compareTrajectories(BEFORE, { ...BEFORE, nq: 1 })).toBe('they are not of the same scene');
});
