import { styleText } from 'node:util';

/** A column of a table. Numbers are on the right. `paint` colours a cell, aligned already, and adds no width to it. */
export type Column<T> = {
  title: string;
  right?: boolean;
  text: (row: T) => string;
  paint?: (cell: string, row: T) => string;
};

/** Rows below their titles, in aligned columns; on a terminal of `width` columns a line is cut, with an ellipsis. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width = Infinity): string {
  const titles = columns.map(({ title }) => title);
  const cells = rows.map((row) => columns.map(({ text }) => oneLine(text(row))));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lineOf = (line: string[], row?: T) => {
    const aligned = line.map((cell, column) => {
      const size = widths[column] ?? 0;
      if (columns[column]?.right) return cell.padStart(size);
      return column === line.length - 1 ? cell : cell.padEnd(size);
    });
    const whole = aligned.join('  ');
    const text = whole.length > width ? `${whole.slice(0, Math.max(width - 1, 0))}…` : whole;
    return row === undefined ? text : painted(text, { aligned, columns, row });
  };
  return [lineOf(titles), ...rows.map((row, index) => lineOf(cells[index] ?? [], row))].join('\n');
}

/** The line with those cells coloured that it still holds whole. */
function painted<T>(
  text: string,
  { aligned, columns, row }: { aligned: string[]; columns: readonly Column<T>[]; row: T },
): string {
  let line = text;
  for (const [column, { paint }] of [...columns.entries()].toReversed()) {
    const cell = aligned[column] ?? '';
    const at = aligned.slice(0, column).reduce((sum, before) => sum + before.length + 2, 0);
    if (paint && text.startsWith(cell, at)) line = line.slice(0, at) + paint(cell, row) + line.slice(at + cell.length);
  }
  return line;
}

/** Control characters but tab and line feed, and what turns the direction of text: a terminal obeys them all. */
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text of others for a terminal: what a terminal would obey is shown instead, ESC as ␛, a bell as ␇, U+202E as \u202e. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(OBEYED, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : escaped(character);
  });
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A value as JSON on one line that no terminal obeys: what JSON leaves as it is becomes its escape, which means the same. */
export const printableJson = (value: object): string => JSON.stringify(value).replaceAll(OBEYED, escaped);

/** The same on one line. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' ').trim());
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** A duration in its largest whole unit: `3d`, `2h`, `5m`, `12s`; below a second in milliseconds. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.floor(ms / 1_000);
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? ['s', 1];
  return `${Math.floor(seconds / size)}${unit}`;
}

/** How long ago an ISO time was, as seen at `now` (Unix milliseconds). */
export function ago(time: string, now: number): string {
  return `${duration(now - Date.parse(time))} ago`;
}

const COLOURS = {
  ok: 'green',
  completed: 'green',
  running: 'cyan',
  queued: 'cyan',
  waiting: 'yellow',
  paused: 'yellow',
  stopped: 'yellow',
  cancelled: 'yellow',
  error: 'red',
  failed: 'red',
  lost: 'red',
} as const;

/** A status's own word, coloured where the stream is a terminal that wants colours. */
export function coloured(text: string, status: keyof typeof COLOURS, stream: NodeJS.WritableStream): string {
  return styleText(COLOURS[status], text, { stream });
}

/** A size in bytes in the unit that reads best. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
