import { JITTERED_SCENES } from '../schemas/simulation.ts';
import type { Payload, Seed, Vector3 } from '../schemas/simulation.ts';

/** Where a seed lets the payload start, in metres: the nominal point for seed 0, else uniform within ± jitter on each axis. */
export function spawnPoint({ start_m, jitter_m }: Payload, seed: number): Vector3 {
  if (seed === 0) return [...start_m];
  const uniform = mulberry32(seed);
  return [
    start_m[0] + (2 * uniform() - 1) * jitter_m[0],
    start_m[1] + (2 * uniform() - 1) * jitter_m[1],
    start_m[2] + (2 * uniform() - 1) * jitter_m[2],
  ];
}

/** The seeds of the jittered scenes of a simulation: never 0, and no two simulations share one. */
export function jitterSeeds(seed: Seed): number[] {
  return Array.from({ length: JITTERED_SCENES }, (_, index) => seed * JITTERED_SCENES + index + 1);
}

/** Tommy Ettinger's mulberry32: uniform in [0, 1), from the seed's lowest 32 bits. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
