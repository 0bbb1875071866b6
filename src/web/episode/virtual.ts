import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { placeOf } from './store.ts';
import type { Row } from './rows.ts';

type Options = {
  count: number;
  estimate: (index: number) => number;
  chosen: number;
  key: (index: number) => string | number;
  follow?: boolean;
};

/** Below this distance from the end, in pixels, somebody is taken to look at the newest. */
const AT_END_PX = 80;
/** How long the surroundings of a step that was just chosen may still change their height. */
const SETTLING_MS = 5_000;

/**
 * A list of which the part in sight is drawn. The chosen entry is brought into sight when another is chosen; whoever looks at
 * the end keeps looking at it as the list grows.
 */
export function useList({ count, estimate, chosen, key, follow = false }: Options) {
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(false);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: estimate,
    getItemKey: key,
    overscan: 6,
  });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const onScroll = () => {
      atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < AT_END_PX;
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => element.removeEventListener('scroll', onScroll);
  }, []);
  const there = count > 0;
  const choosing = useRef(0);
  useEffect(() => {
    choosing.current = performance.now() + SETTLING_MS;
  }, [chosen, there]);
  const total = virtual.getTotalSize();
  useEffect(() => {
    // Not whenever the list grows: what somebody chose is brought into sight, and kept there while what is around it is measured.
    if (there && chosen >= 0 && performance.now() < choosing.current) virtual.scrollToIndex(chosen, { align: 'auto' });
  }, [chosen, there, total, virtual]);
  useEffect(() => {
    if (follow && atEnd.current && chosen < 0) virtual.scrollToIndex(count - 1, { align: 'end' });
  }, [count, follow, chosen, virtual]);
  return { scroller, virtual };
}

/** The place of the chosen step among these rows; -1 where it is not among them. */
export function chosenPlace(rows: readonly Row[], chosen: number | null): number {
  if (chosen === null) return -1;
  const at = placeOf(rows, chosen);
  return rows[at]?.seq === chosen ? at : -1;
}
