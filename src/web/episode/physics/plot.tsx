import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { SimulationClock } from './clock.ts';
import type { Motion, Stay } from './motion.ts';

/** Where a body was and how fast, over the simulation's time; stretches in a zone are coloured. Press to go to a moment. */
export function Plot({ motion, stays, clock }: Readonly<{ motion: Motion; stays: Stay[]; clock: SimulationClock }>) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const { times, x, y, z, speed } = motion;
    const plot = new uPlot(optionsOf(element, stays, clock), [times, x, y, z, speed], element);
    const sized = new ResizeObserver(() => plot.setSize(sizeOf(element)));
    sized.observe(element);
    const leave = clock.subscribe(() => plot.redraw(false));
    return () => {
      leave();
      sized.disconnect();
      plot.destroy();
    };
  }, [motion, stays, clock]);
  return (
    <div className="plot" ref={place} role="img" aria-label={`Where ${motion.body} was, and its speed, over time`} />
  );
}

/** The place of the last of these times that is not after `t`. */
const momentOf = (times: ArrayLike<number>, t: number): number =>
  Math.max(
    0,
    Array.from(times).findLastIndex((time) => time <= t),
  );

const sizeOf = ({ clientWidth, clientHeight }: HTMLElement) => ({
  width: clientWidth,
  height: Math.max(80, clientHeight - 28),
});

function optionsOf(element: HTMLElement, stays: Stay[], clock: SimulationClock): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim() || style.color;
  const axis = {
    stroke: colour('--plot-text'),
    grid: { stroke: colour('--plot-grid'), width: 1 },
    ticks: { show: false },
    size: 46,
  };
  const line = (label: string, name: string, scale: string) => ({
    label,
    scale,
    stroke: colour(name),
    width: 1.5,
    points: { show: false },
    value: (_: uPlot, value: number | null) => (value === null ? '' : value.toFixed(scale === 'mm' ? 0 : 2)),
  });
  return {
    ...sizeOf(element),
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 26, values: (_, ticks) => ticks.map((tick) => `${tick} s`) },
      { ...axis, scale: 'mm', values: (_, ticks) => ticks.map((tick) => `${tick} mm`), size: 62 },
      {
        ...axis,
        scale: 'm/s',
        side: 1,
        grid: { show: false },
        values: (_, ticks) => ticks.map((tick) => `${tick} m/s`),
        size: 54,
      },
    ],
    series: [
      { label: 's', value: (_, value) => (value === null ? '' : value.toFixed(2)) },
      line('x', '--plot-x', 'mm'),
      line('y', '--plot-y', 'mm'),
      line('z', '--plot-z', 'mm'),
      line('speed', '--plot-speed', 'm/s'),
    ],
    cursor: { drag: { x: false, y: false }, points: { size: 5 } },
    hooks: {
      ready: [
        (plot) =>
          plot.over.addEventListener('click', () => {
            if (plot.cursor.left !== undefined) clock.seek(plot.posToVal(plot.cursor.left, 'x'));
          }),
      ],
      drawClear: [(plot) => drawStays(plot, stays, { good: colour('--plot-goal'), bad: colour('--plot-forbidden') })],
      draw: [
        (plot) => {
          drawNow(plot, clock.now().t, colour('--plot-text'));
          // What is said below the plot is of the clock's moment, unless a pointer asks for another.
          const idx = momentOf(plot.data[0], clock.now().t);
          if ((plot.cursor.left ?? -1) < 0) queueMicrotask(() => plot.setLegend({ idx }, false));
        },
      ],
    },
  };
}

function drawStays(plot: uPlot, stays: Stay[], { good, bad }: { good: string; bad: string }): void {
  const { ctx, bbox } = plot;
  for (const { from, to, zone } of stays) {
    const left = plot.valToPos(from, 'x', true);
    ctx.fillStyle = zone.goal ? good : bad;
    ctx.fillRect(left, bbox.top, Math.max(3, plot.valToPos(to, 'x', true) - left), bbox.height);
  }
}

function drawNow(plot: uPlot, t: number, colour: string): void {
  const { ctx, bbox } = plot;
  const left = plot.valToPos(t, 'x', true);
  if (left < bbox.left || left > bbox.left + bbox.width) return;
  ctx.fillStyle = colour;
  ctx.fillRect(left - 1, bbox.top, 2, bbox.height);
}
