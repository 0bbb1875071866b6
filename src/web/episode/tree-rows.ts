import { isTrouble } from './rows.ts';
import type { Row } from './rows.ts';

/** A line of the tree: an agent's turn, or a step. `level` counts from 1, as screen readers do. */
export type TreeLine = {
  key: string;
  level: number;
  /** How many lines lie below it; 0 where none can. */
  below: number;
  open: boolean;
  trouble: boolean;
  row: Row | null;
  turn: { agent: string; first: Row; last: Row } | null;
};

/** The steps as a tree: agents' turns, in them their thoughts, in those the calls, as deep as calls call. */
export function toTree(rows: readonly Row[], closed: ReadonlySet<string>): TreeLine[] {
  const children = new Map<number, Row[]>();
  const known = new Set(rows.map(({ seq }) => seq));
  for (const row of rows)
    if (row.parent_seq !== null && known.has(row.parent_seq))
      children.set(row.parent_seq, [...(children.get(row.parent_seq) ?? []), row]);
  const roots = rows.filter(({ parent_seq }) => parent_seq === null || !known.has(parent_seq));
  return turnsOf(roots).flatMap((turn): TreeLine[] => {
    const [first, last] = [turn[0] as Row, turn.at(-1) as Row];
    const key = `turn-${first.seq}`;
    const open = !closed.has(key);
    const inside = turn.flatMap((row) => linesOf(row, 2, { children, closed }));
    const trouble = turn.some((row) => isTrouble(row) || (children.get(row.seq) ?? []).some(isTrouble));
    const line: TreeLine = {
      key,
      level: 1,
      below: inside.length,
      open,
      trouble,
      row: null,
      turn: { agent: first.agent, first, last },
    };
    return open ? [line, ...inside] : [line];
  });
}

type Known = { children: ReadonlyMap<number, Row[]>; closed: ReadonlySet<string> };

function linesOf(row: Row, level: number, known: Known): TreeLine[] {
  const inside = (known.children.get(row.seq) ?? []).flatMap((child) => linesOf(child, level + 1, known));
  const key = `step-${row.seq}`;
  const open = !known.closed.has(key);
  const line: TreeLine = { key, level, below: inside.length, open, trouble: isTrouble(row), row, turn: null };
  return open ? [line, ...inside] : [line];
}

/** The rows in runs of one agent. */
function turnsOf(rows: readonly Row[]): Row[][] {
  const turns: Row[][] = [];
  for (const row of rows) {
    const turn = turns.at(-1);
    if (turn && turn[0]?.agent === row.agent) turn.push(row);
    else turns.push([row]);
  }
  return turns;
}
