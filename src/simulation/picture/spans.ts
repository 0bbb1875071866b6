/** One stretch of pixels a row: from `left` up to, not including, `right`; empty where `left` ≥ `right`. */
export interface Spans {
  left: Int32Array;
  right: Int32Array;
}

/** No pixel of any row. */
export function emptySpans(width: number, height: number): Spans {
  return { left: new Int32Array(height).fill(width), right: new Int32Array(height) };
}

/** Every pixel of every row. */
export function fullSpans(width: number, height: number): Spans {
  return { left: new Int32Array(height), right: new Int32Array(height).fill(width) };
}

/** Widens spans so that they also cover a pixel. */
export function coverPixel({ left, right }: Spans, row: number, column: number): void {
  if (column < (left[row] as number)) left[row] = column;
  if (column >= (right[row] as number)) right[row] = column + 1;
}

/** The spans that cover both, widened to whole 2 × 2 blocks. */
export function uniteSpans(a: Spans, b: Spans): Spans {
  const [left, right] = [new Int32Array(a.left.length), new Int32Array(a.left.length)];
  for (let row = 0; row < left.length; row += 2) {
    const start = Math.min(leftOf(a, row), leftOf(a, row + 1), leftOf(b, row), leftOf(b, row + 1)) & ~1;
    const end = (Math.max(rightOf(a, row), rightOf(a, row + 1), rightOf(b, row), rightOf(b, row + 1)) + 1) & ~1;
    left[row] = start;
    left[row + 1] = start;
    right[row] = end;
    right[row + 1] = end;
  }
  return { left, right };
}

/** Spans that cover whole 2 × 2 blocks, in units of blocks. */
export function halveSpans({ left, right }: Spans): Spans {
  const half = (edges: Int32Array) =>
    Int32Array.from({ length: edges.length >> 1 }, (_, row) => (edges[2 * row] as number) >> 1);
  return { left: half(left), right: half(right) };
}

const leftOf = ({ left }: Spans, row: number) => left[row] as number;
const rightOf = ({ right }: Spans, row: number) => right[row] as number;
