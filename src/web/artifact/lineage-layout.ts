import type { LineageResource } from '../resources.ts';

type Node = LineageResource['nodes'][number];
type Step = Node['written_by'][number];

/** Pixels of a file's card, and between cards. */
export const CARD = { width: 190, height: 58, across: 96, down: 14 };

/** A file of the graph, placed. */
export type Placed = { sha256: string; path: string; node: Node; x: number; y: number };
/** A step that made one file of another. */
export type Edge = { from: Placed; to: Placed; step: Step };
export type Graph = { files: Placed[]; edges: Edge[]; width: number; height: number };

/** The lineage as a graph from left to right: a column for each distance, lines for the steps that lead from file to file. */
export function toGraph({ nodes }: LineageResource): Graph {
  const distances = [...new Set(nodes.map(({ distance }) => distance))].toSorted((one, other) => one - other);
  const columns = distances.map((distance) => nodes.filter((node) => node.distance === distance));
  const tallest = Math.max(1, ...columns.map(({ length }) => length));
  const row = CARD.height + CARD.down;
  const files = columns.flatMap((column, place) =>
    column.map((node, index) => ({
      sha256: node.sha256,
      path: pathOf(node, nodes),
      node,
      x: place * (CARD.width + CARD.across),
      // Each column stands in the middle of the tallest.
      y: (index + (tallest - column.length) / 2) * row,
    })),
  );
  const at = new Map(files.map((file) => [file.sha256, file]));
  const edges = new Map<string, Edge>();
  const add = (from: Placed | undefined, to: Placed | undefined, step: Step) => {
    if (from && to && from.x < to.x) edges.set(`${from.sha256} ${to.sha256}`, { from, to, step });
  };
  for (const file of files) {
    for (const step of file.node.written_by) for (const input of step.inputs) add(at.get(input.sha256), file, step);
    for (const step of file.node.read_by) for (const output of step.outputs) add(file, at.get(output.sha256), step);
  }
  return {
    files,
    edges: [...edges.values()],
    width: columns.length * CARD.width + Math.max(0, columns.length - 1) * CARD.across,
    height: tallest * row - CARD.down,
  };
}

/** The path under which a file is known: to the step that wrote it, or to those that used it. */
function pathOf(node: Node, all: Node[]): string {
  const own = node.written_by[0]?.path ?? node.read_by[0]?.path ?? node.given_to[0]?.path;
  if (own !== undefined) return own;
  const links = all.flatMap(({ written_by, read_by }) => [...written_by, ...read_by]);
  const named = links
    .flatMap(({ inputs, outputs }) => [...inputs, ...outputs])
    .find((file) => file.sha256 === node.sha256);
  return named?.path ?? node.sha256.slice(0, 12);
}
