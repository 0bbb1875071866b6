import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { solutionScript } from '../../../src/agents/scripts/transfer-files.ts';

/** What the demo's solution script writes with a funnel of this width in millimetres, run as the coder runs it. */
export function runSolutionScript(width: number): { xml: string; stl: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'solution-script-'));
  try {
    writeFileSync(join(folder, 'solution_script.mjs'), solutionScript(width));
    execFileSync(process.execPath, ['solution_script.mjs'], { cwd: folder });
    return { xml: readFileSync(join(folder, 'scene.xml'), 'utf8'), stl: readFileSync(join(folder, 'funnel.stl')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const HEADER_BYTES = 84;
const FACE_BYTES = 50;

/** The same scene in one text file: the mesh that lies in the STL stands in the MJCF as corners and faces. */
export function withMeshInline({ xml, stl }: { xml: string; stl: Buffer }): string {
  const corners: string[] = [];
  const faces: number[] = [];
  for (let face = 0; face < stl.readUInt32LE(80); face++)
    for (let corner = 0; corner < 3; corner++) {
      const at = HEADER_BYTES + FACE_BYTES * face + 12 + 12 * corner;
      const text = [0, 4, 8].map((axis) => +stl.readFloatLE(at + axis).toFixed(6)).join(' ');
      const known = corners.indexOf(text);
      faces.push(known < 0 ? corners.push(text) - 1 : known);
    }
  return xml.replace('file="funnel.stl"', `vertex="${corners.join(' ')}" face="${faces.join(' ')}"`);
}
