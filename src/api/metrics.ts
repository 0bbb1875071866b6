import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { readMetrics } from '../db/read/metrics.ts';
import type { RecordMetrics } from '../db/read/metrics.ts';
import { EpisodeStatus } from '../schemas/episode.ts';
import type { RecoveryStatus } from '../schemas/restore-point.ts';
import { OutboxState } from '../schemas/trace.ts';
import type { ApiDeps } from './deps.ts';

/** Answers take from milliseconds to, for large files, minutes. In seconds. */
const LATENCY_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** What no route takes is one label, or anybody could make more of them. */
const UNMATCHED = 'unmatched';

/** The metrics of one API process: a middleware that counts requests, and the text that Prometheus scrapes. */
export type Metrics = { count: MiddlewareHandler; scrape: () => Promise<{ text: string; content_type: string }> };

/** Makes metrics with a registry of their own. Figures of the record are read when they are scraped. */
export function createMetrics(deps: Pick<ApiDeps, 'db' | 'recovery'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests that were answered, by route and status',
    labelNames,
    registers,
  });
  const latency = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to the beginning of the answer',
    labelNames: ['method', 'route'] as const,
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  return {
    async count(c, next) {
      const started = performance.now();
      await next();
      // The last that matched is the handler; where only middleware did, nothing serves this path.
      const matched = routePath(c, -1);
      const route = matched.includes('*') ? UNMATCHED : matched;
      const { method } = c.req;
      requests.inc({ method, route, status: c.res.status });
      latency.observe({ method, route }, (performance.now() - started) / 1000);
    },
    async scrape() {
      const figures = await readFigures(deps);
      return { text: `${await registry.metrics()}\n${await figures.metrics()}`, content_type: registry.contentType };
    },
  };
}

const COVERAGE_VERDICTS = ['complete', 'incomplete', 'unverified', 'unaudited'];
const RECOVERY_STATES = ['ok', 'stale', 'failing', 'never'];

/** The figures of the record, in a registry of this scrape: what cannot be read is absent, never a figure of before. */
async function readFigures({ db, recovery }: Pick<ApiDeps, 'db' | 'recovery'>): Promise<Registry> {
  const registry = new Registry();
  const { one, each } = createGauges(registry);
  const up = 'Whether the database answered this scrape: without it the figures of the record are left out';
  try {
    const [record, status] = await Promise.all([readMetrics(db), recovery.status()]);
    one('observatory_database_up', up, 1);
    setRecordGauges({ one, each }, record);
    setRecoveryGauges({ one, each }, status);
  } catch {
    // The requests' counters stay true without the database, and that it is away is a figure too.
    registry.clear();
    one('observatory_database_up', up, 0);
  }
  return registry;
}

type Gauges = ReturnType<typeof createGauges>;

function createGauges(registry: Registry) {
  const registers = [registry];
  return {
    one: (name: string, help: string, value: number | null): void => {
      if (value !== null) new Gauge({ name, help, registers }).set(value);
    },
    /** A gauge with a label: `known` values of it are 0 where nothing is counted. */
    each: (name: string, help: string, { label, known, counts }: Labelled): void => {
      const gauge = new Gauge({ name, help, labelNames: [label], registers });
      for (const [value, count] of [...known.map((of): [string, number] => [of, 0]), ...counts])
        gauge.set({ [label]: value }, count);
    },
  };
}

type Labelled = { label: string; known: readonly string[]; counts: [string, number][] };

function setRecordGauges({ one, each }: Gauges, record: RecordMetrics): void {
  const { expected, confirmed, oldest_s } = record;
  const counts = (rows: { label: string; count: number }[]) =>
    rows.map(({ label, count }): [string, number] => [label, count]);
  each('observatory_episodes', 'Episodes by status', {
    label: 'status',
    known: EpisodeStatus.options,
    counts: counts(record.episodes),
  });
  one(
    'trace_coverage_ratio',
    'Share of the spans that are to be in Langfuse and were seen there, by the newest audits of the last 7 days',
    expected === 0 ? 1 : confirmed / expected,
  );
  each('trace_coverage_episodes', 'Episodes that ended in the last 7 days, by their newest audit', {
    label: 'verdict',
    known: COVERAGE_VERDICTS,
    counts: counts(record.coverage),
  });
  each('trace_outbox_depth', 'Items of the trace outbox that Langfuse was not seen to hold, by state', {
    label: 'state',
    known: OutboxState.options.filter((state) => state !== 'confirmed'),
    counts: counts(record.outbox),
  });
  one('trace_outbox_oldest_seconds', 'Age of the oldest item that waits to be seen in Langfuse', oldest_s);
  each('observatory_alerts', 'Open alerts, by name', { label: 'name', known: [], counts: counts(record.alerts) });
}

function setRecoveryGauges({ one, each }: Gauges, status: RecoveryStatus): void {
  const point = status.last_complete?.snapshot_at;
  each('observatory_recovery_status', '1 for the state that recovery is in', {
    label: 'status',
    known: RECOVERY_STATES,
    counts: [[status.status, 1]],
  });
  one(
    'observatory_restore_point_age_seconds',
    'Age of the newest complete restore point',
    point ? (Date.now() - Date.parse(point)) / 1000 : null,
  );
  one('observatory_recovery_rpo_seconds', 'Age of the newest snapshot that a drill restored', status.rpo_seconds);
  one('observatory_recovery_rto_seconds', 'How long the restore of that snapshot took', status.rto_seconds);
}
