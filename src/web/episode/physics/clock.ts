import { useSyncExternalStore } from 'react';

/** The one clock of a simulation's video, scene and plot: seconds of simulated time. */
export type SimulationClock = {
  now: () => { t: number; playing: boolean };
  subscribe: (listener: () => void) => () => void;
  /** What the video says of itself, as it plays. */
  tell: (t: number, playing: boolean) => void;
  /** Goes to a moment: whatever shows time follows. */
  seek: (t: number) => void;
  onSeek: (listener: (t: number) => void) => () => void;
};

/** A clock that stands at this moment. */
export function createClock(t: number): SimulationClock {
  let state = { t, playing: false };
  const listeners = new Set<() => void>();
  const seekers = new Set<(t: number) => void>();
  const change = (next: typeof state) => {
    state = next;
    for (const listener of listeners) listener();
  };
  return {
    now: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(at, playing) {
      if (at !== state.t || playing !== state.playing) change({ t: at, playing });
    },
    seek(at) {
      change({ ...state, t: Math.max(0, at) });
      for (const seeker of seekers) seeker(state.t);
    },
    onSeek(listener) {
      seekers.add(listener);
      return () => void seekers.delete(listener);
    },
  };
}

/** What the clock shows. */
export const useClock = (clock: SimulationClock) => useSyncExternalStore(clock.subscribe, clock.now);
