import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { count, duration, percent, usd } from '../parts/format.ts';
import { useSource } from '../source/context.tsx';
import type { EpisodeFilter } from '../source/source.ts';
import { withCondition } from './filter.ts';

const REFRESH_MS = 10_000;

/** What became of the episodes that match. Each number leads to the rows that it counts. */
export function StatisticsStrip({ filter }: Readonly<{ filter: EpisodeFilter }>) {
  const source = useSource();
  const { data } = useQuery({
    queryKey: ['statistics', filter],
    queryFn: () => source.statistics(filter),
    refetchInterval: REFRESH_MS,
    placeholderData: (before) => before,
    enabled: source.only === null,
  });
  const open = data
    ? data.by_status.running + data.by_status.waiting + data.by_status.paused + data.by_status.queued
    : 0;
  const seconds = (s: number | null | undefined) => (s === null || s === undefined ? '–' : duration(s * 1000));
  return (
    <dl className="strip" aria-busy={!data}>
      <Figure name="match" value={data && count(data.episodes)} />
      <Figure
        name="success"
        value={data && percent(data.success_rate)}
        filter={withCondition(filter, 'outcome', 'APPROVED')}
      />
      <Figure
        name="failed"
        value={data && count(data.by_status.failed)}
        filter={withCondition(filter, 'status', 'failed')}
      />
      <Figure name="open" value={data && count(open)} filter={withCondition(filter, 'status', 'running')} />
      <Figure name="median steps" value={data && (data.steps_median === null ? '–' : count(data.steps_median))} />
      <Figure name="cost" value={data && usd(data.usd_sum)} />
      <Figure name="p95 duration" value={data && seconds(data.duration_s_p95)} />
    </dl>
  );
}

function Figure({
  name,
  value,
  filter,
}: Readonly<{ name: string; value: string | undefined; filter?: EpisodeFilter }>) {
  const shown = value ?? '…';
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {filter ? (
          <Link to="/episodes" search={filter}>
            {shown}
          </Link>
        ) : (
          shown
        )}
      </dd>
    </div>
  );
}
