// The painter, judged by the pixels it makes.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadEngine } from '../../../src/simulation/engine.ts';
import { collectDrawnGeoms, posesAt } from '../../../src/simulation/picture/drawn-geoms.ts';
import { createFilmPainter } from '../../../src/simulation/picture/film.ts';
import { openScene } from '../../../src/simulation/scene.ts';
import { dropBenchmark, dropScene } from './scenes.ts';
import type { Mujoco, SceneState } from '../../../src/simulation/engine.ts';
import type { SceneFiles } from '../../../src/simulation/scene.ts';

const [WIDTH, HEIGHT] = [160, 120];
const ANGLE = { elevation_deg: 40, azimuth_deg: 250 };

describe('the painter', () => {
  let mujoco: Mujoco;
  beforeAll(async () => {
    mujoco = await loadEngine();
  });

  /** A painter for the scene, which paints the ball at given points. */
  function painterOf(source: SceneFiles) {
    const benchmark = dropBenchmark();
    const scene = openScene(mujoco, source, { benchmark });
    const state: SceneState = new mujoco.MjData(scene.model);
    const at = (point: number[]) => {
      const qpos = state.qpos.slice();
      qpos.set(point, scene.payload.qposAt);
      return posesAt(scene, state, qpos);
    };
    const geoms = collectDrawnGeoms(scene);
    const film = {
      geoms,
      benchmark,
      payloadBody: scene.payload.body,
      frames: [at([0, 0, 0.06])],
      width: WIDTH,
      height: HEIGHT,
    };
    return { at, painter: () => createFilmPainter(film, ANGLE) };
  }

  const shapes = {
    sphere: 'type="sphere" size="0.05"',
    capsule: 'type="capsule" size="0.03 0.05"',
    ellipsoid: 'type="ellipsoid" size="0.06 0.04 0.05"',
    cylinder: 'type="cylinder" size="0.05 0.05"',
    box: 'type="box" size="0.05 0.05 0.05"',
    mesh: 'type="mesh" mesh="wedge"',
    'height field': 'type="hfield" hfield="hill"',
  };
  it.each(Object.entries(shapes))('draws a %s in its colour', (_name, shape) => {
    const rest = `<asset><mesh name="wedge" vertex="0 0 0 .12 0 0 0 .1 0 .12 .1 0 0 0 .1 0 .1 .1"/>
      <hfield name="hill" nrow="3" ncol="3" size="0.1 0.1 0.05 0.01" elevation="0 0 0 0 1 0 0 0 0"/></asset>`;
    const { at, painter } = painterOf(
      dropScene({ rest, world: `<geom ${shape} pos="-0.12 0.1 0.05" rgba="0.9 0.1 0.8 1"/>` }),
    );
    const { pixels } = painter()(at([0, 0, 0.06]));
    expect(count(pixels, (red, green, blue) => red > 90 && green < 60 && blue > 80)).toBeGreaterThan(100);
  });

  it('shows the goal zone green and the forbidden zone red', () => {
    const { at, painter } = painterOf(dropScene());
    const { pixels } = painter()(at([0, 0, 0.06]));
    expect(count(pixels, (red, green, blue) => green > red + 30 && green > blue + 30)).toBeGreaterThan(300);
    expect(count(pixels, (red, green, blue) => red > green + 40 && red > blue + 40)).toBeGreaterThan(150);
  });

  it('paints a frame alike whatever it painted before', () => {
    const { at, painter } = painterOf(dropScene());
    const used = painter();
    const places = [
      [0, 0, 0.06],
      [0.12, 0, 0.02],
      [0, 0, 0.25],
      [-0.2, 0.1, 0.02],
      [0.01, 0, 0.02],
    ];
    for (const place of places) {
      const pixels = used(at(place)).pixels.slice();
      expect(Buffer.from(pixels.buffer).compare(Buffer.from(painter()(at(place)).pixels.buffer))).toBe(0);
    }
  });

  it('survives poses that are not finite', () => {
    const { at, painter } = painterOf(dropScene());
    const paint = painter();
    const empty = paint(at([0, 0, 1e9])).pixels.slice();
    expect(Buffer.from(paint(at([NaN, NaN, NaN])).pixels.buffer).compare(Buffer.from(empty.buffer))).toBe(0);
  });
});

function count(pixels: Uint8ClampedArray, matches: (red: number, green: number, blue: number) => boolean): number {
  let found = 0;
  for (let at = 0; at < pixels.length; at += 4)
    if (matches(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0)) found += 1;
  return found;
}
