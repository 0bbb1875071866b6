import { AnimationMixer, Box3, Vector3 } from 'three';
import type { Object3D, PerspectiveCamera } from 'three';
import type { GLTF } from 'three/addons/loaders/GLTFLoader.js';
import { GOAL } from './motion.ts';

/** Moments of the motion that are looked at; between two of them nothing goes far. */
const MOMENTS = 48;
/** Room around what is looked at. */
const ROOM = 1.06;
/** Where one looks from: from the front, a little from above and from the side. */
const FROM = new Vector3(0.5, 0.42, 0.86).normalize();
const UP = new Vector3(0, 1, 0);

/**
 * What there is to look at: whatever moves, at each moment of its motion, and where it is to come; all that stands where nothing
 * moves. The ground, which is much larger, is left out; so is what falls beyond it.
 */
export function boxOfMotion({ scene, animations: [clip] }: GLTF): Box3 {
  const whole = new Box3().setFromObject(scene);
  const names = clip?.tracks.flatMap(({ name }) => /^(.*)\.position$/.exec(name)?.[1] ?? []) ?? [];
  const moving = names.flatMap((name) => scene.getObjectByName(name) ?? []);
  if (!clip || moving.length === 0) return whole;
  const box = new Box3();
  const add = (node: Object3D) => box.union(new Box3().setFromObject(node));
  const mixer = new AnimationMixer(scene);
  const action = mixer.clipAction(clip).play();
  for (let moment = 0; moment < MOMENTS; moment++) {
    mixer.setTime((clip.duration * moment) / MOMENTS);
    for (const node of moving) add(node);
  }
  action.stop();
  mixer.uncacheRoot(scene);
  const goal = scene.getObjectByName(GOAL);
  if (goal) add(goal);
  return box.intersect(whole.expandByScalar(whole.getSize(new Vector3()).length() / 4));
}

/** A part that is this much larger than every other is ground. */
const GROUND_FACTOR = 1.4;

/** The part that the others stand on, where there is one. */
export function groundOf({ scene }: GLTF): Object3D | undefined {
  const sizeOf = (part: Object3D) => new Box3().setFromObject(part).getSize(new Vector3()).length();
  const parts = scene.children.flatMap(({ children }) => children).map((part) => ({ part, size: sizeOf(part) }));
  const [largest, next] = parts.toSorted((one, other) => other.size - one.size);
  return largest && next && largest.size > GROUND_FACTOR * next.size ? largest.part : undefined;
}

/** Puts the camera where the whole box is in sight, as near as that allows, whatever the shape of the picture. */
export function lookAt(camera: PerspectiveCamera, box: Box3): void {
  const middle = box.getCenter(new Vector3());
  const right = new Vector3().crossVectors(UP, FROM).normalize();
  const up = new Vector3().crossVectors(FROM, right);
  const high = Math.tan((camera.fov * Math.PI) / 360);
  const wide = high * camera.aspect;
  let distance = 1e-3;
  for (const x of [box.min.x, box.max.x])
    for (const y of [box.min.y, box.max.y])
      for (const z of [box.min.z, box.max.z]) {
        const corner = new Vector3(x, y, z).sub(middle);
        const aside = Math.max(Math.abs(corner.dot(right)) / wide, Math.abs(corner.dot(up)) / high);
        distance = Math.max(distance, aside * ROOM + corner.dot(FROM));
      }
  camera.position.copy(middle).addScaledVector(FROM, distance);
  camera.near = distance / 100;
  camera.far = distance * 100;
  camera.lookAt(middle);
}
