import type { EpisodeFilter } from '../source/source.ts';

const NAMES = ['status', 'outcome', 'agent', 'model', 'tag', 'q', 'created_from', 'created_to'] as const;

/** The filter that an address's query says; other names in it are let go of. */
export function readFilter(search: Record<string, unknown>): EpisodeFilter {
  const given = NAMES.flatMap((name) => {
    const value = search[name];
    return typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** The filter with one of its conditions changed; an empty one is taken out. */
export function withCondition(filter: EpisodeFilter, name: keyof EpisodeFilter, value: string): EpisodeFilter {
  const { [name]: _, ...others } = filter;
  return value === '' ? others : { ...others, [name]: value };
}

/** What filters the list. The words of `q` are also looked for in steps and logs. */
export const STATUSES = ['queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled', 'stopped'];
