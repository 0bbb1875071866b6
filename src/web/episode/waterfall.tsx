import { useEffect, useMemo, useRef, useState } from 'react';
import type { PointerEvent } from 'react';
import { duration } from '../parts/format.ts';
import { isTrouble } from './rows.ts';
import type { Row } from './rows.ts';
import type { ViewProps } from './view-props.ts';
import { endOf, toShare, toTimeline } from './timeline.ts';
import type { Timeline } from './timeline.ts';
import { useNow } from './use-now.ts';
import { chosenPlace, useList } from './virtual.ts';

const LINE_PX = 22;
/** A bar that would be thinner is drawn this wide, in percent of the window. */
const BAR_PERCENT_MIN = 0.4;
const OVERVIEW_PX = 46;

/** The part of the timeline that is looked at, from 0 to 1. */
type Window = { from: number; to: number };
const WHOLE: Window = { from: 0, to: 1 };

/** The steps over time: all of them at a glance above, to choose a part of; below, a bar for each in that part. */
export function Waterfall({ episode, rows, chosen, choose }: ViewProps) {
  const now = useNow(episode.ended_at === null);
  const now_ms = (episode.ended_at === null ? now : Date.parse(episode.ended_at)) - Date.parse(episode.created_at);
  const timeline = useMemo(() => toTimeline(rows, now_ms), [rows, now_ms]);
  const [window, setWindow] = useState(WHOLE);
  const seen = useMemo(() => {
    if (window === WHOLE) return rows;
    return rows.filter(
      (row) => toShare(timeline, endOf(row, now_ms)) >= window.from && toShare(timeline, row.at_ms) <= window.to,
    );
  }, [rows, timeline, window, now_ms]);
  const at = chosenPlace(seen, chosen);
  const { scroller, virtual } = useList({
    count: seen.length,
    estimate: () => LINE_PX,
    chosen: at,
    key: (index) => seen[index]?.seq ?? index,
  });
  return (
    <div className="waterfall">
      <Overview {...{ rows, timeline, window, now_ms }} onWindow={setWindow} />
      <div
        className="steps-scroller"
        ref={scroller}
        role="treegrid"
        aria-label="Steps over time"
        aria-rowcount={seen.length}
        tabIndex={0}
        {...(at >= 0 && { 'aria-activedescendant': `bar-${chosen}` })}
      >
        <div className="steps-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const row = seen[index];
            if (!row) return null;
            return <Bar key={key} {...{ row, index, start, timeline, window, now_ms, choose }} chosen={index === at} />;
          })}
        </div>
      </div>
    </div>
  );
}

type BarProps = Readonly<{
  row: Row;
  index: number;
  start: number;
  timeline: Timeline;
  window: Window;
  now_ms: number;
  chosen: boolean;
  choose: (seq: number) => void;
}>;

function Bar({ row, index, start, timeline, window, now_ms, chosen, choose }: BarProps) {
  const scale = 100 / (window.to - window.from);
  const left = (toShare(timeline, row.at_ms) - window.from) * scale;
  const right = (toShare(timeline, endOf(row, now_ms)) - window.from) * scale;
  const took = duration(row.duration_ms ?? now_ms - row.at_ms);
  const level = row.parent_seq === null ? 1 : 2;
  return (
    // The keys of the page choose; the row is what pointers press.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={`bar-${row.seq}`}
      role="row"
      aria-level={level}
      aria-rowindex={index + 1}
      aria-selected={chosen}
      className={`fall-line ${isTrouble(row) ? 'trouble' : ''} ${chosen ? 'chosen' : ''}`}
      style={{ transform: `translateY(${start}px)` }}
      onClick={() => choose(row.seq)}
    >
      <span role="gridcell" className="fall-name" style={{ paddingLeft: level * 10 }}>
        <span className="dim">{row.seq}</span> {row.kind === 'thought' ? 'thinks' : row.name}
      </span>
      <span role="gridcell" className="fall-lane" title={`${row.name}: ${took}`}>
        <span
          className={`fall-bar ${row.kind} ${row.status}`}
          style={{
            left: `${Math.min(left, 100 - BAR_PERCENT_MIN)}%`,
            width: `${Math.max(right - left, BAR_PERCENT_MIN)}%`,
          }}
        />
        <span
          className="fall-took dim"
          style={{ left: `min(${Math.max(right, left + BAR_PERCENT_MIN)}%, calc(100% - 56px))` }}
        >
          {took}
        </span>
      </span>
    </div>
  );
}

type OverviewProps = Readonly<{
  rows: readonly Row[];
  timeline: Timeline;
  window: Window;
  now_ms: number;
  onWindow: (window: Window) => void;
}>;

/** All steps at a glance: drag over a part to look at it alone; press twice to see all again. Troubles stand out as ticks. */
function Overview({ rows, timeline, window, now_ms, onWindow }: OverviewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const begun = useRef<number>(undefined);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, { rows, timeline, now_ms });
  }, [rows, timeline, now_ms]);
  const shareAt = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  return (
    <div className="overview-lane">
      <div
        className="brush"
        role="presentation"
        title="Drag to look at a part; press twice to see all"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          begun.current = shareAt(event);
        }}
        onPointerMove={(event) => {
          if (begun.current === undefined) return;
          const [from, to] = [begun.current, shareAt(event)].toSorted((a, b) => a - b) as [number, number];
          if (to - from > 0.002) onWindow({ from, to });
        }}
        onPointerUp={() => {
          begun.current = undefined;
        }}
        onDoubleClick={() => onWindow(WHOLE)}
      >
        <canvas ref={canvas} height={OVERVIEW_PX} />
        {window !== WHOLE && (
          <span
            className="brush-window"
            style={{ left: `${window.from * 100}%`, width: `${(window.to - window.from) * 100}%` }}
          />
        )}
      </div>
      <p className="overview-foot dim">
        <span>{duration(timeline.end_ms - (timeline.stretches[0]?.from_ms ?? 0))}</span>
        {timeline.stretches.some(({ idle }) => idle) && (
          <span>Stretches in which nothing ran are drawn as notches.</span>
        )}
        {window !== WHOLE && (
          <button type="button" className="button quiet" onClick={() => onWindow(WHOLE)}>
            Show all
          </button>
        )}
      </p>
    </div>
  );
}

const LANES: Row['kind'][] = ['thought', 'tool_call', 'simulation', 'review', 'human', 'system'];

function draw(
  canvas: HTMLCanvasElement,
  { rows, timeline, now_ms }: { rows: readonly Row[]; timeline: Timeline; now_ms: number },
): void {
  const ratio = devicePixelRatio;
  const width = canvas.clientWidth * ratio;
  const height = OVERVIEW_PX * ratio;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(name) || style.color;
  context.fillStyle = colour('--lane-idle');
  for (const { left, right, idle } of timeline.stretches)
    if (idle) context.fillRect(left * width, 0, (right - left) * width, height);
  const lane = height / (LANES.length + 1);
  for (const row of rows) {
    const from = toShare(timeline, row.at_ms) * width;
    const to = toShare(timeline, endOf(row, now_ms)) * width;
    context.fillStyle = colour(`--lane-${row.kind}`);
    context.fillRect(from, LANES.indexOf(row.kind) * lane + ratio, Math.max(to - from, ratio), lane - 2 * ratio);
    if (!isTrouble(row)) continue;
    context.fillStyle = colour('--lane-trouble');
    context.fillRect(from, height - lane, 2 * ratio, lane);
  }
}
