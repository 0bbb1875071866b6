import { useEffect, useState } from 'react';

const TICK_MS = 1_000;

/** The time in Unix milliseconds, each second anew while it matters. */
export function useNow(matters: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!matters) return undefined;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [matters]);
  return now;
}
