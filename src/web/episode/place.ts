import { useLocation, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

/** The ways to look at steps. */
export const VIEWS = ['transcript', 'tree', 'waterfall'] as const;
export type View = (typeof VIEWS)[number];

/** What is shown of a step. */
export const TABS = ['summary', 'input', 'output', 'artifacts', 'logs', 'attempts', 'raw'] as const;
export type Tab = (typeof TABS)[number];

/** Where somebody looks within an episode, as the part of the address behind `#` says it. `t` is seconds of the clock. */
export type Place = { step: number | null; tab: Tab; view: View; t: number | null };

/** The place that the address names; what it does not name, or names wrongly, is where one begins. */
function readPlace(hash: string): Place {
  const query = new URLSearchParams(hash);
  const oneOf = <T extends string>(all: readonly T[], name: string): T =>
    all.find((each) => each === query.get(name)) ?? (all[0] as T);
  const step = Number(query.get('step') ?? Number.NaN);
  const t = Number.parseFloat(query.get('t') ?? '');
  return {
    step: Number.isInteger(step) && step > 0 ? step : null,
    tab: oneOf(TABS, 'tab'),
    view: oneOf(VIEWS, 'view'),
    t: Number.isFinite(t) && t >= 0 ? t : null,
  };
}

/** The place as the address says it, without what is as one begins. */
function writePlace({ step, tab, view, t }: Place): string {
  const parts = [
    ...(step === null ? [] : [`step=${step}`]),
    ...(tab === TABS[0] ? [] : [`tab=${tab}`]),
    ...(view === VIEWS[0] ? [] : [`view=${view}`]),
    ...(t === null ? [] : [`t=${t.toFixed(2)}`]),
  ];
  return parts.join('&');
}

/** Where somebody looks, and how to go elsewhere: by an entry of the history where they choose, in place where they pass by. */
export function usePlace(): [Place, (change: Partial<Place>, options?: { keep?: boolean }) => void] {
  const hash = useLocation({ select: (location) => location.hash });
  const navigate = useNavigate();
  const place = useMemo(() => readPlace(hash), [hash]);
  const go = useCallback(
    (change: Partial<Place>, { keep = false } = {}) => {
      void navigate({
        to: '.',
        search: true,
        hash: (now?: string) => writePlace({ ...readPlace(now ?? ''), ...change }),
        replace: !keep,
        hashScrollIntoView: false,
        resetScroll: false,
      } as never);
    },
    [navigate],
  );
  return [place, go];
}
