import { useInfiniteQuery } from '@tanstack/react-query';
import { Navigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { Icon } from '../parts/icons.tsx';
import { useSource } from '../source/context.tsx';
import type { EpisodeFilter } from '../source/source.ts';
import { EpisodeTable } from './episode-table.tsx';
import { readFilter } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { SearchHits } from './search-hits.tsx';
import { StartDialog } from './start-dialog.tsx';
import { StatisticsStrip } from './statistics-strip.tsx';
import './episodes.css';

/** The list is short and the newest matter: it is asked for again this often while somebody looks at it. */
const REFRESH_MS = 4_000;

/** All episodes that match the address's query. */
export function EpisodesPage() {
  const source = useSource();
  const filter = readFilter(useSearch({ strict: false }));
  const [starting, setStarting] = useState(false);
  const list = useEpisodes(filter);
  if (source.only !== null) return <Navigate to="/episodes/$id" params={{ id: source.only }} replace />;
  const episodes = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const filtered = Object.keys(filter).length > 0;
  return (
    <div className="episodes">
      <div className="episodes-head">
        <h1>Episodes</h1>
        <StatisticsStrip filter={filter} />
        {source.actions && (
          <button type="button" className="button primary" onClick={() => setStarting(true)}>
            <Icon name="plus" /> Start an episode
          </button>
        )}
      </div>
      <FilterBar filter={filter} />
      {filter.q !== undefined && <SearchHits q={filter.q} />}
      {list.error ? (
        <Failure error={list.error} again={() => void list.refetch()} />
      ) : (
        <EpisodeTable
          episodes={episodes}
          pending={list.isPending}
          filtered={filtered}
          more={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      {starting && <StartDialog onClose={() => setStarting(false)} />}
    </div>
  );
}

function useEpisodes(filter: EpisodeFilter) {
  const source = useSource();
  return useInfiniteQuery({
    queryKey: ['episodes', filter],
    queryFn: ({ pageParam }) => source.episodes(filter, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) > 3 ? false : REFRESH_MS),
    enabled: source.only === null,
  });
}
