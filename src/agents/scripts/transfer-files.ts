import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file that the scripts' author wrote for an agent to write. Throws when there is none of that name. */
export const transferFile = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'sideways-transfer', name), 'utf8');

/** Widths of the funnel's mouth in mm for which `handWrittenScene` has a scene. */
export const FUNNEL_WIDTHS_MM = [88, 104, 140] as const;

/** The line of the solution script that sets the width of the funnel's mouth, in mm. */
export const widthLine = (width: number): string => `const funnel_width = ${width} `;

/** The script that writes the scene with a funnel of this width in mm. */
export const solutionScript = (width: number): string =>
  transferFile('solution_script.mjs').replace(widthLine(88), widthLine(width));

/**
 * The scene that the script writes with a funnel of this width in mm, the funnel's mesh inline: for a coder who may not run
 * commands. One of `FUNNEL_WIDTHS_MM`; a test holds these files against what the script writes.
 */
export const handWrittenScene = (width: number): string => transferFile(`scene-${width}.xml`);

/** What all scripts of the transfer play: the benchmark of the example, by the hash of its definition. */
export const SIDEWAYS_BENCHMARK = {
  example: 'examples/sideways-transfer/benchmark_definition.yaml',
  plays: { '/benchmark_definition.yaml': '0dcea8ebd343501c6081e34fdd53bc419238ddd2751ff4900c643e528ed8228b' },
} as const;
