import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Failure } from '../../parts/failure.tsx';
import { Terminal } from '../../parts/text.tsx';
import { useSource } from '../../source/context.tsx';

/** A running step's log is asked for again this often. */
const REFRESH_MS = 1_000;

/** What a step printed, line by line, as it came; of a long log, as much as was asked for. */
export function Logs({ episodeId, seq, running }: Readonly<{ episodeId: string; seq: number; running: boolean }>) {
  const source = useSource();
  const [q, setQ] = useState('');
  const log = useInfiniteQuery({
    queryKey: ['logs', episodeId, seq, q],
    queryFn: ({ pageParam }) =>
      source.logs(episodeId, { seq, ...(q && { q }), ...(pageParam && { cursor: pageParam }) }),
    initialPageParam: undefined as string | undefined,
    // While the episode runs there is always a next cursor; a part that is not full is the last for now.
    getNextPageParam: ({ items, next_cursor }) => (items.length === 0 ? undefined : (next_cursor ?? undefined)),
    refetchInterval: running ? REFRESH_MS : false,
  });
  const lines = log.data?.pages.flatMap(({ items }) => items) ?? [];
  if (log.error) return <Failure error={log.error} again={() => void log.refetch()} />;
  return (
    <>
      <input
        type="search"
        aria-label="Find in this log"
        placeholder="Find in this log"
        value={q}
        onChange={({ target }) => setQ(target.value)}
      />
      {!log.isPending && lines.length === 0 && (
        <p className="waiting-line">{q === '' ? 'It printed nothing.' : 'No line holds that.'}</p>
      )}
      <ol className="log">
        {lines.map((line) => (
          <li key={line.stream_seq} className={`${line.stream} ${line.level}`}>
            <span className="line-number" title={`${line.stream}, attempt ${line.attempt}, ${line.at}`}>
              {line.line}
            </span>
            <span>
              <Terminal>{line.text}</Terminal>
            </span>
          </li>
        ))}
      </ol>
      {log.hasNextPage && (
        <button
          type="button"
          className="button"
          onClick={() => void log.fetchNextPage()}
          disabled={log.isFetchingNextPage}
        >
          Further lines
        </button>
      )}
    </>
  );
}
