import {
  AmbientLight,
  AnimationMixer,
  DirectionalLight,
  Group,
  Mesh,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from 'three';
import type { AnimationClip, Box3, Material, Object3D } from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import { GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import type { GLTF } from 'three/addons/loaders/GLTFLoader.js';
import { boxOfMotion, groundOf, lookAt } from './framing.ts';

/** An earlier simulation is seen through. */
const GHOST_OPACITY = 0.22;
/** The ground is there to stand on, not to be looked at. */
const GROUND_OPACITY = 0.16;
/** Sharper than this costs more than it shows. */
const PIXELS_MAX = 2;

/** The scene that a simulation exported, with its motion. */
export const loadScene = (url: string): Promise<GLTF> => new GLTFLoader().loadAsync(url);

/** A scene on a canvas: shown at a moment, from wherever somebody looks. Free it by `close`. */
export function createStage(canvas: HTMLCanvasElement) {
  const renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
  const scene = new Scene();
  const sun = new DirectionalLight('#ffffff', 2);
  sun.position.set(1, 2, 1.5);
  scene.add(new AmbientLight('#ffffff', 1.1), sun);
  const eye = createEye(canvas);
  const shown = new Group();
  scene.add(shown);
  let actors: { mixer: AnimationMixer; clip: AnimationClip }[] = [];
  let looked: GLTF | undefined;

  const draw = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || height === 0) return;
    renderer.setPixelRatio(Math.min(devicePixelRatio, PIXELS_MAX));
    renderer.setSize(width, height, false);
    eye.fit(width / height);
    renderer.render(scene, eye.camera);
  };
  eye.onChange(draw);

  return {
    /** Shows a scene, and an earlier one as a ghost in it. */
    show(main: GLTF, ghost: GLTF | undefined): void {
      shown.clear();
      actors = [];
      for (const each of [main, ...(ghost ? [ghost] : [])]) {
        if (each === ghost) makeGhost(each);
        shown.add(each.scene);
        const mixer = new AnimationMixer(each.scene);
        const [clip] = each.animations;
        if (!clip) continue;
        mixer.clipAction(clip).play();
        actors.push({ mixer, clip });
      }
      if (looked !== main) {
        fade(groundOf(main), GROUND_OPACITY);
        eye.frame(boxOfMotion(main));
      }
      looked = main;
      draw();
    },
    /** Goes with a body, by its name; stands still where it is undefined. */
    follow(name: string | undefined): void {
      eye.follow(name === undefined ? undefined : shown.getObjectByName(name));
    },
    /** Shows a moment, in seconds. */
    at(t: number): void {
      for (const { mixer, clip } of actors) mixer.setTime(Math.min(t, Math.max(0, clip.duration - 1e-4)));
      eye.move();
      draw();
    },
    draw,
    close(): void {
      eye.close();
      renderer.dispose();
    },
  };
}

/** The stage of one canvas. */
export type Stage = ReturnType<typeof createStage>;

/** From where a scene is looked at: so that all of it is in sight, until somebody looks from elsewhere; or along with a body. */
function createEye(canvas: HTMLCanvasElement) {
  const camera = new PerspectiveCamera(40, 1, 0.001, 100);
  const controls = new OrbitControls(camera, canvas);
  let framed: Box3 | undefined;
  let followed: Object3D | undefined;
  const last = new Vector3();
  const look = () => {
    if (!framed) return;
    lookAt(camera, framed);
    framed.getCenter(controls.target);
    camera.updateProjectionMatrix();
  };
  controls.addEventListener('start', () => {
    framed = undefined;
  });
  return {
    camera,
    onChange: (listener: () => void) => controls.addEventListener('change', listener),
    frame(box: Box3): void {
      framed = box;
      look();
    },
    /** The picture has this shape now. */
    fit(aspect: number): void {
      if (aspect === camera.aspect) return;
      camera.aspect = aspect;
      camera.updateProjectionMatrix();
      look();
    },
    follow(body: Object3D | undefined): void {
      followed = body;
      followed?.getWorldPosition(last);
    },
    /** Goes where the followed body went. */
    move(): void {
      if (!followed) return;
      const now = followed.getWorldPosition(new Vector3());
      const moved = now.clone().sub(last);
      camera.position.add(moved);
      controls.target.add(moved);
      last.copy(now);
      controls.update();
    },
    close: () => controls.dispose(),
  };
}

/** An earlier scene without what the later one has as well: its ground and its zones. */
function makeGhost(ghost: GLTF): void {
  ghost.scene.traverse((node) => {
    if (node.name.startsWith('zone_')) node.visible = false;
  });
  fade(ghost.scene, GHOST_OPACITY);
  const ground = groundOf(ghost);
  if (ground) ground.visible = false;
}

/** Has a part and all in it seen through. */
function fade(part: Object3D | undefined, opacity: number): void {
  part?.traverse((node) => {
    if (!(node instanceof Mesh)) return;
    const material = (node.material as Material).clone();
    material.transparent = true;
    material.opacity = opacity;
    material.depthWrite = false;
    node.material = material;
  });
}
