import {
  AmbientLight,
  AnimationMixer,
  Box3,
  DirectionalLight,
  Group,
  Mesh,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from 'three';
import type { AnimationClip, Material, Object3D } from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import type { GLTF } from 'three/addons/loaders/GLTFLoader.js';

/** An earlier simulation is seen through. */
const GHOST_OPACITY = 0.22;
/** Sharper than this costs more than it shows. */
const PIXELS_MAX = 2;

/** The scene that a simulation exported, with its motion. */
export const loadScene = (url: string): Promise<GLTF> => new GLTFLoader().loadAsync(url);

/** A scene on a canvas: shown at a moment, from wherever somebody looks. Free it by `close`. */
export function createStage(canvas: HTMLCanvasElement) {
  const renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
  const camera = new PerspectiveCamera(40, 1, 0.001, 100);
  const scene = new Scene();
  const sun = new DirectionalLight('#ffffff', 2);
  sun.position.set(1, 2, 1.5);
  scene.add(new AmbientLight('#ffffff', 1.1), sun);
  const controls = new OrbitControls(camera, canvas);
  const shown = new Group();
  scene.add(shown);
  let actors: { mixer: AnimationMixer; clip: AnimationClip }[] = [];
  let followed: Object3D | undefined;
  const last = new Vector3();

  const draw = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || height === 0) return;
    renderer.setPixelRatio(Math.min(devicePixelRatio, PIXELS_MAX));
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    camera.updateProjectionMatrix();
    renderer.render(scene, camera);
  };
  controls.addEventListener('change', draw);

  const frame = () => {
    const box = boxOf(shown);
    const size = box.getSize(new Vector3()).length() || 1;
    box.getCenter(controls.target);
    camera.position.copy(controls.target).add(new Vector3(0.35, 0.5, 0.75).multiplyScalar(size));
    controls.update();
  };

  return {
    /** Shows a scene, and an earlier one as a ghost in it. */
    show(main: GLTF, ghost: GLTF | undefined): void {
      shown.clear();
      actors = [];
      for (const each of [main, ...(ghost ? [ghost] : [])]) {
        if (each === ghost) each.scene.traverse(makeGhost);
        shown.add(each.scene);
        const mixer = new AnimationMixer(each.scene);
        const [clip] = each.animations;
        if (!clip) continue;
        mixer.clipAction(clip).play();
        actors.push({ mixer, clip });
      }
      frame();
      draw();
    },
    /** Goes with a body, by its name; stands still where it is undefined. */
    follow(name: string | undefined): void {
      followed = name === undefined ? undefined : shown.getObjectByName(name);
      followed?.getWorldPosition(last);
    },
    /** Shows a moment, in seconds. */
    at(t: number): void {
      for (const { mixer, clip } of actors) mixer.setTime(Math.min(t, Math.max(0, clip.duration - 1e-4)));
      if (followed) {
        const now = followed.getWorldPosition(new Vector3());
        const moved = now.clone().sub(last);
        camera.position.add(moved);
        controls.target.add(moved);
        last.copy(now);
        controls.update();
      }
      draw();
    },
    draw,
    close(): void {
      controls.dispose();
      renderer.dispose();
    },
  };
}

/** The stage of one canvas. */
export type Stage = ReturnType<typeof createStage>;

/** A part that is this much larger than every other is ground to stand on, not what one looks at. */
const GROUND_FACTOR = 1.4;

/** What there is to see, without the ground. */
function boxOf(shown: Group): Box3 {
  const sizeOf = (box: Box3) => box.getSize(new Vector3()).length();
  const boxes = shown.children
    .flatMap((scene) => scene.children)
    .map((part) => new Box3().setFromObject(part))
    .filter((box) => !box.isEmpty())
    .toSorted((one, other) => sizeOf(other) - sizeOf(one));
  const [largest, next] = boxes;
  const ground = largest && next && sizeOf(largest) > GROUND_FACTOR * sizeOf(next);
  return (ground ? boxes.slice(1) : boxes).reduce((all, box) => all.union(box), new Box3());
}

function makeGhost(node: Object3D): void {
  if (!(node instanceof Mesh)) return;
  // Zones are those of the later scene.
  if (node.name.startsWith('zone_') || node.parent?.name.startsWith('zone_')) node.visible = false;
  const material = (node.material as Material).clone();
  material.transparent = true;
  material.opacity = GHOST_OPACITY;
  material.depthWrite = false;
  node.material = material;
}
