import type { QueryClient } from '@tanstack/react-query';
import type { StreamFrame } from '../../api/routes/stream.ts';
import type { StepResource } from '../resources.ts';
import type { Source } from '../source/source.ts';
import { rowOfEnd, rowOfStart, toRows } from './rows.ts';
import type { Row } from './rows.ts';

/** The first part is small, so that rows are there at once; the others are large, for there may be a hundred thousand. */
const FIRST_PART = 500;
const NEXT_PART = 5_000;
/** Lines of a running step that are kept while it runs; all of them are in its log. */
const LIVE_LINES_MAX = 400;
/** Steps whose bodies are asked for together. */
export const BODIES_PAGE = 40;

/** What is known of an episode's steps at a moment. `rows` lies in the order of `seq`, and is the same array until it changes. */
export type EpisodeState = {
  rows: readonly Row[];
  /** Whether every row is there. */
  loaded: boolean;
  /** `live`: what happens is told as it happens; `lost`: the API is away and is asked again. */
  link: 'none' | 'live' | 'lost';
  error: Error | null;
  /** The newest lines of steps that run, by their number; of a thought what its model thinks, and what it says. */
  lines: ReadonlyMap<number, readonly string[]>;
};

/** The place of the step with this number in the rows, or of the last before it; -1 where there is none. */
export function placeOf(rows: readonly Row[], seq: number): number {
  let [low, high] = [0, rows.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = rows[middle]?.seq ?? 0;
    if (found === seq) return middle;
    if (found < seq) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

/** The key under which the bodies of a part of an episode's steps are kept. */
export const bodiesKey = (id: string, seq: number) => ['steps', id, Math.floor((seq - 1) / BODIES_PAGE)] as const;

type Options = { source: Source; queries: QueryClient; id: string };

/**
 * The steps of an episode: read once, then kept up with by the stream, where there is one. Each change makes a new state, and
 * is told about once for each picture that a browser draws.
 */
export function createEpisodeStore(options: Options) {
  const cell = createCell();
  return {
    state: () => cell.state(),
    subscribe: (listener: () => void) => cell.subscribe(listener),
    /** Reads, and follows unless the episode has ended. Never throws: `error` says what went wrong. */
    async open(ended: boolean, signal: AbortSignal): Promise<void> {
      try {
        await follow({ ...options, cell }, ended, signal);
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (!signal.aborted) cell.change({ error, link: 'lost' });
      }
    },
  };
}

type Words = Extract<StreamFrame, { type: 'words' }>;
type Cell = ReturnType<typeof createCell>;
type Known = Options & { cell: Cell };
/** When the episode was accepted, in Unix time, and the place in its stream that what was read is of. */
type Read = { created_ms: number; stream_id: string };

/** A browser draws sixty pictures a second. */
const TOLD_MS = 16;

function createCell() {
  let state: EpisodeState = { rows: [], loaded: false, link: 'none', error: null, lines: new Map() };
  let told = true;
  const listeners = new Set<() => void>();
  return {
    state: () => state,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    change(next: Partial<EpisodeState>): void {
      state = { ...state, ...next };
      if (!told) return;
      told = false;
      // Not by the pictures themselves: a hidden page draws none, and shall know all the same.
      setTimeout(() => {
        told = true;
        for (const listener of listeners) listener();
      }, TOLD_MS);
    },
  };
}

async function follow(known: Known, ended: boolean, signal: AbortSignal): Promise<void> {
  const { source, queries, id, cell } = known;
  let read = await readAll(known, signal);
  if (ended) return;
  cell.change({ link: 'live' });
  for await (const frame of source.follow(id, read.stream_id, signal)) {
    if (!take(known, frame, read.created_ms)) continue;
    await queries.invalidateQueries({ queryKey: ['steps', id] });
    read = await readAll(known, signal);
  }
  cell.change({ link: 'none' });
}

async function readAll({ source, id, cell }: Known, signal: AbortSignal): Promise<Read> {
  const first = await source.outline(id, 0, FIRST_PART);
  let rows = toRows(first.steps);
  let after = first.next_after;
  cell.change({ rows, loaded: after === null, error: null });
  while (after !== null) {
    signal.throwIfAborted();
    const part = await source.outline(id, after, NEXT_PART);
    rows = [...rows, ...toRows(part.steps)];
    after = part.next_after;
    cell.change({ rows, loaded: after === null });
  }
  return { created_ms: Date.parse(first.created_at), stream_id: first.stream_id };
}

/** Takes in a frame; returns whether it says that other steps hold now, so that all are to be read again. */
function take({ cell, queries, id }: Known, frame: StreamFrame, created_ms: number): boolean {
  const { rows, lines } = cell.state();
  switch (frame.type) {
    case 'status':
      void queries.invalidateQueries({ queryKey: ['episode', id] });
      return false;
    case 'log':
      // A thought's own words come as they are said.
      if (frame.seq !== null && rows[placeOf(rows, frame.seq)]?.kind !== 'thought') {
        const newest = [...(lines.get(frame.seq) ?? []), frame.text].slice(-LIVE_LINES_MAX);
        cell.change({ lines: new Map(lines).set(frame.seq, newest) });
      }
      return false;
    case 'words':
      cell.change({ lines: new Map(lines).set(frame.seq, heard(lines.get(frame.seq), frame)) });
      return false;
    case 'step_started': {
      void queries.invalidateQueries({ queryKey: ['episode', id] });
      const known = rows[placeOf(rows, frame.step.seq)];
      // A number that was given out before: the episode went back, and its later steps are superseded.
      if (known?.seq === frame.step.seq) return known.status !== 'running';
      cell.change({ rows: withRow(rows, rowOfStart(frame.step, created_ms)) });
      // Its neighbours were read before it began, without it: what it was asked is shown while it runs.
      void queries.invalidateQueries({ queryKey: bodiesKey(id, frame.step.seq) });
      return false;
    }
    case 'step_ended': {
      const { step } = frame;
      const left = new Map(lines);
      left.delete(step.seq);
      if (step.superseded_by !== null) return false;
      cell.change({ lines: left, rows: withRow(rows, rowOfEnd(step, created_ms)) });
      queries.setQueryData<StepResource[]>(bodiesKey(id, step.seq), (steps) => steps && withStep(steps, step));
      void queries.invalidateQueries({ queryKey: ['step', id, step.seq] });
      return false;
    }
    default:
      // A kind of frame that a newer API tells of.
      return false;
  }
}

/** What is known of a thought's words with these at their place; what was not heard before them is a gap of no width. */
function heard([thinks = '', says = '']: readonly string[] = [], { kind, from, text }: Words): string[] {
  const put = (known: string) => known.slice(0, from).padEnd(from, '\u200b') + text;
  return kind === 'reasoning' ? [put(thinks), says] : [thinks, put(says)];
}

/** The rows with this one at its place. */
function withRow(rows: readonly Row[], row: Row): Row[] {
  const at = placeOf(rows, row.seq);
  return rows[at]?.seq === row.seq ? rows.with(at, row) : rows.toSpliced(at + 1, 0, row);
}

const withStep = (steps: StepResource[], step: StepResource): StepResource[] =>
  [...steps.filter(({ seq }) => seq !== step.seq), step].toSorted((one, other) => one.seq - other.seq);
