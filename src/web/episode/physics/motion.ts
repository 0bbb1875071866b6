import type { Group, KeyframeTrack, Object3D } from 'three';
import { Box3, Vector3 } from 'three';

/** How one body moved: at each time of the simulation, in seconds, its place in millimetres and its speed in metres a second. */
export type Motion = { body: string; times: number[]; x: number[]; y: number[]; z: number[]; speed: number[] };

/** A box in the scene that the benchmark names: `goal` is where the payload is to come, others it must not touch. */
export type Zone = { name: string; goal: boolean; box: Box3 };

const MM = 1_000;
/** How the simulation names nodes of zones in the scene that it exports. */
export const GOAL = 'zone_goal';
const FORBIDDEN = 'zone_forbid_';
/** How benchmarks name what is to be moved. */
const PAYLOAD = /projectile|payload|ball/i;

/** The bodies that move in a scene's animation, the payload first. Axes are the simulation's: z is up. */
export function motionsOf(tracks: readonly KeyframeTrack[]): Motion[] {
  const moving = tracks.filter(({ name }) => name.endsWith('.position'));
  const motions = moving.map((track) => motionOf(track));
  return motions.toSorted((one, other) => rank(one) - rank(other));
}

const rank = ({ body }: Motion): number => (PAYLOAD.test(body) ? 0 : 1);

function motionOf(track: KeyframeTrack): Motion {
  const times = Array.from(track.times);
  const at = (axis: number) => times.map((_, index) => (track.values[3 * index + axis] ?? 0) * MM);
  const [x, y, z] = [at(0), at(1), at(2)];
  const speed = times.map((time, index) => {
    const before = Math.max(0, index - 1);
    const after = index === 0 ? Math.min(1, times.length - 1) : index;
    const took = (times[after] ?? time) - (times[before] ?? time);
    const far = (axis: number[]) => (axis[after] ?? 0) - (axis[before] ?? 0);
    return took > 0 ? Math.hypot(far(x), far(y), far(z)) / MM / took : 0;
  });
  return { body: track.name.replace(/\.position$/, ''), times, x, y, z, speed };
}

/** The zones of a scene. */
export function zonesOf(scene: Group): Zone[] {
  const zones: Zone[] = [];
  scene.traverse((node: Object3D) => {
    const goal = node.name === GOAL;
    if (!goal && !node.name.startsWith(FORBIDDEN)) return;
    // In the axes of the file, as motions are.
    const box = new Box3();
    const half = new Vector3();
    node.traverse((child) => {
      if ('geometry' in child) {
        const geometry = child.geometry as { computeBoundingBox: () => void; boundingBox: Box3 | null };
        geometry.computeBoundingBox();
        if (geometry.boundingBox) box.union(geometry.boundingBox);
      }
    });
    box.getSize(half);
    box.translate(node.position);
    zones.push({ name: goal ? 'goal' : node.name.slice(FORBIDDEN.length), goal, box });
  });
  return zones;
}

/** How far a body reaches from its centre on its narrow side, in metres; of a ball its radius. */
export function radiusOf(scene: Group, body: string): number {
  const node = scene.getObjectByName(body);
  if (!node) return 0;
  const size = new Box3().setFromObject(node).getSize(new Vector3());
  return Math.min(size.x, size.y, size.z) / 2;
}

/** A stretch of time that a body spent in a zone, in seconds. */
export type Stay = { from: number; to: number; zone: Zone };

/**
 * When a body was in which zone, as simulations are judged: in the goal where its centre is, in a forbidden zone where any of it
 * is. `radius_m` is its own.
 */
export function staysOf({ times, x, y, z }: Motion, zones: readonly Zone[], radius_m: number): Stay[] {
  return zones.flatMap((zone) => {
    const stays: Stay[] = [];
    for (const [index, time] of times.entries()) {
      const point = new Vector3((x[index] ?? 0) / MM, (y[index] ?? 0) / MM, (z[index] ?? 0) / MM);
      const inside = zone.goal ? zone.box.containsPoint(point) : zone.box.distanceToPoint(point) < radius_m;
      if (!inside) continue;
      const last = stays.at(-1);
      const before = times[index - 1];
      if (last && last.to === before) last.to = time;
      else stays.push({ from: time, to: time, zone });
    }
    return stays;
  });
}
