// The shapes that a simulation hands out, as other programs read them.
import { beforeAll, describe, expect, it } from 'vitest';
import { performSimulation } from '../../../src/simulation/perform.ts';
import { dropBenchmark, dropScene } from './scenes.ts';
import type { SimulationFile } from '../../../src/simulation/perform.ts';

const SOLIDS = {
  sphere: 'type="sphere" size=".03"',
  capsule: 'type="capsule" size=".02 .03"',
  ellipsoid: 'type="ellipsoid" size=".03 .02 .01"',
  cylinder: 'type="cylinder" size=".03 .02"',
  box: 'type="box" size=".03 .02 .01"',
};

describe('the shapes of a simulation', () => {
  let files: SimulationFile[];
  const bytesOf = (path: string) => Buffer.from(files.find((file) => file.path === path)?.bytes ?? []);
  beforeAll(async () => {
    const bodies = Object.entries(SOLIDS).map(
      ([name, shape], index) =>
        `<body name="${name}" pos=".2 ${index / 10 - 0.2} .2"><geom ${shape} rgba=".5 .25 .1 1" contype="0" conaffinity="0"/></body>`,
    );
    const rest = '<asset><hfield name="flat" nrow="1" ncol="4" size=".1 .1 .1 .1" elevation="0 1 0 1"/></asset>';
    const world = `${bodies.join('')}<body name="flat"><geom type="hfield" hfield="flat"/></body>`;
    ({ files } = await performSimulation({
      scene: dropScene({ world, rest }),
      benchmark: dropBenchmark({ duration_max_s: 0.1 }),
      seed: 0,
      render: { width: 64, height: 64, fps: 10, tail_s: 0, video: false, stills: [] },
    }));
  });

  it.each(Object.keys(SOLIDS))('close the %s without a gap or an empty triangle', (name) => {
    const stl = bytesOf(`${name}.stl`);
    const corner = (face: number, index: number) =>
      stl.toString('hex', 96 + 50 * face + 12 * index, 108 + 50 * face + 12 * index);
    const edges = new Map<string, number>();
    const faces = stl.readUInt32LE(80);
    expect(faces).toBeGreaterThan(10);
    for (let face = 0; face < faces; face++)
      for (const [from, to] of [
        [0, 1],
        [1, 2],
        [2, 0],
      ] as const) {
        const [a, b] = [corner(face, from), corner(face, to)];
        expect(a).not.toBe(b);
        edges.set(`${a} ${b}`, (edges.get(`${a} ${b}`) ?? 0) + 1);
      }
    // Each edge is walked once in each direction.
    for (const [edge, times] of edges)
      expect([times, edges.get(edge.split(' ').toReversed().join(' '))]).toEqual([1, 1]);
  });

  it('have the colours of the scene as light, and no height field of one row, which has no surface', () => {
    const glb = bytesOf('scene.glb');
    const { materials, accessors, nodes } = JSON.parse(glb.toString('utf8', 20, 20 + glb.readUInt32LE(12)));
    const { baseColorFactor } = materials.find(
      ({ name }: { name: string }) => name === 'rgba(128,64,26,255)',
    ).pbrMetallicRoughness;
    // By the definition of sRGB (IEC 61966-2-1).
    [0.2140411, 0.0508761, 0.0100229, 1].forEach((value, channel) =>
      expect(baseColorFactor[channel]).toBeCloseTo(value, 6),
    );
    expect(nodes.map(({ name }: { name: string }) => name)).not.toContain('flat');
    for (const { count, min, max } of accessors) {
      expect(count).toBeGreaterThan(0);
      expect([...min, ...max].every(Number.isFinite)).toBe(true);
    }
  });
});
