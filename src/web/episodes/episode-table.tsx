import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { ago, between, compact, duration, moment, usd } from '../parts/format.ts';
import { CoverageBadge, Outcome, Status } from '../parts/status.tsx';
import { Plain } from '../parts/text.tsx';
import type { EpisodeResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';

const ROW_PX = 44;
/** As many as the API tells the audits of at once. */
const AUDITS_MAX = 100;

type Props = Readonly<{
  episodes: EpisodeResource[];
  pending: boolean;
  filtered: boolean;
  /** Asks for more of them; undefined where there are none, or they are on their way. */
  more: (() => void) | undefined;
}>;

/** A row for each episode, of which those in sight are drawn. */
export function EpisodeTable({ episodes, pending, filtered, more }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: episodes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= episodes.length - 10) more();
  }, [more, last, episodes.length]);
  const verdicts = useVerdicts(rows.flatMap(({ index }) => episodes[index] ?? []));
  if (!pending && episodes.length === 0) return <Nothing filtered={filtered} />;
  return (
    <div
      className="table-scroller"
      ref={scroller}
      role="table"
      aria-label="Episodes"
      aria-rowcount={episodes.length + 1}
    >
      <div role="rowgroup">
        <div className="episode-row head" role="row">
          {COLUMNS.map((name) => (
            <span key={name} role="columnheader" className={`c-${name.toLowerCase()}`}>
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="table-body" style={{ height: virtual.getTotalSize() }}>
        {rows.map(({ index, start }) => {
          const episode = episodes[index];
          if (!episode) return null;
          return <EpisodeRow key={episode.id} {...{ episode, index, start }} verdict={verdicts[episode.id]} />;
        })}
      </div>
      {pending && <p className="waiting-line">Reading episodes…</p>}
    </div>
  );
}

const COLUMNS = ['Status', 'Task', 'Agent', 'Model', 'Steps', 'Cost', 'Duration', 'Outcome', 'Coverage', 'Started'];

type RowProps = Readonly<{
  episode: EpisodeResource;
  index: number;
  start: number;
  verdict: 'complete' | 'incomplete' | 'unverified' | undefined;
}>;

function EpisodeRow({ episode, index, start, verdict }: RowProps) {
  const navigate = useNavigate();
  const { id, started_at, created_at, ended_at } = episode;
  const open = () => void navigate({ to: '/episodes/$id', params: { id } });
  return (
    // The link in the row is what keyboards and screen readers use; the rest of the row is a larger target for pointers.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      className="episode-row"
      role="row"
      aria-rowindex={index + 2}
      onClick={open}
      style={{ transform: `translateY(${start}px)` }}
    >
      <span role="cell" className="c-status">
        <Status status={episode.status} reason={episode.terminal_reason} />
      </span>
      <span role="cell" className="c-task">
        <Link to="/episodes/$id" params={{ id }} className="task-link" title={episode.task.slice(0, 2_000)}>
          <Plain>{episode.task.slice(0, 300)}</Plain>
        </Link>
        {episode.tags.slice(0, 4).map((tag) => (
          <Link key={tag} to="/episodes" search={{ tag }} className="tag" onClick={(event) => event.stopPropagation()}>
            <Plain>{tag}</Plain>
          </Link>
        ))}
      </span>
      <span role="cell" className="c-agent dim">
        {episode.agent}
      </span>
      <span role="cell" className="c-model dim">
        {episode.model}
      </span>
      <span role="cell" className="c-steps">
        {compact(episode.step_count)}
      </span>
      <span role="cell" className="c-cost">
        {usd(episode.usd)}
      </span>
      <span role="cell" className="c-duration">
        {started_at === null ? '–' : duration(between(started_at, ended_at))}
      </span>
      <span role="cell" className="c-outcome">
        <Outcome reason={episode.terminal_reason} />
      </span>
      <span role="cell" className="c-coverage">
        <CoverageBadge verdict={verdict} />
      </span>
      <span role="cell" className="c-started dim" title={moment(created_at)}>
        {ago(created_at)}
      </span>
    </div>
  );
}

function useVerdicts(episodes: EpisodeResource[]) {
  const source = useSource();
  const ids = episodes.filter(({ ended_at }) => ended_at !== null).map(({ id }) => id);
  const asked = ids.slice(0, AUDITS_MAX);
  const { data } = useQuery({
    queryKey: ['verdicts', asked],
    queryFn: () => source.verdicts(asked),
    enabled: asked.length > 0,
    placeholderData: (before) => before,
  });
  return data ?? {};
}

function Nothing({ filtered }: Readonly<{ filtered: boolean }>) {
  if (filtered)
    return (
      <div className="empty">
        <h2>No episode matches</h2>
        <Link to="/episodes" search={{}}>
          Show all episodes
        </Link>
      </div>
    );
  return (
    <div className="empty">
      <h2>No episode yet</h2>
      <p>
        Start one here, or run <code>npm run demo</code> to watch agents design a mechanism, simulate it, and try again.
      </p>
    </div>
  );
}
