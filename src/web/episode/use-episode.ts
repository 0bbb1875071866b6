import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { EpisodeResource, StepResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';
import { BODIES_PAGE, bodiesKey, createEpisodeStore } from './store.ts';
import type { EpisodeState } from './store.ts';

const ENDED = new Set(['completed', 'failed', 'cancelled', 'stopped']);

/** Whether an episode does nothing more by itself. */
export const hasEnded = ({ status }: Pick<EpisodeResource, 'status'>): boolean => ENDED.has(status);

/** The episode, asked for again whenever its stream says that it changed. */
export function useEpisodeQuery(id: string) {
  const source = useSource();
  return useQuery({ queryKey: ['episode', id], queryFn: () => source.episode(id) });
}

/** The steps of an episode, kept up with while it runs. One that goes on after its end (a rewind) is opened anew. */
export function useSteps(id: string, ended: boolean): EpisodeState {
  const source = useSource();
  const queries = useQueryClient();
  const [store] = useState(() => createEpisodeStore({ source, queries, id }));
  useEffect(() => {
    const closing = new AbortController();
    void store.open(ended, closing.signal);
    return () => closing.abort();
  }, [store, ended]);
  return useSyncExternalStore(store.subscribe, store.state);
}

/** The body of a step, read together with its neighbours; undefined until it is there. */
export function useBody(id: string, seq: number): StepResource | undefined {
  const source = useSource();
  const queryKey = bodiesKey(id, seq);
  const { data } = useQuery({
    queryKey,
    queryFn: () => source.steps(id, queryKey[2] * BODIES_PAGE, BODIES_PAGE),
    select: (steps) => steps.find((step) => step.seq === seq),
    staleTime: Infinity,
    // A long episode is scrolled through: what is out of sight is let go of soon.
    gcTime: 30_000,
  });
  return data;
}
