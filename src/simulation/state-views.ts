import type { SceneState } from './engine.ts';

/** Arrays of a state that a step changes in place, read once: each access through the engine makes a new view, which takes a microsecond. */
export interface StateViews {
  qpos: Float64Array;
  qvel: Float64Array;
  ctrl: Float64Array;
  energy: Float64Array;
  geomPositions: Float64Array;
  geomRotations: Float64Array;
  bodyPositions: Float64Array;
  bodyRotations: Float64Array;
  passive: Float64Array;
  fluid: Float64Array;
  adhesion: Float64Array;
  actuator: Float64Array;
  constraint: Float64Array;
}

/** The views of a state. A WASM memory that grows empties them: then `qpos` has length 0, and they are to be read again. */
export function readViews(state: SceneState): StateViews {
  return {
    qpos: state.qpos,
    qvel: state.qvel,
    ctrl: state.ctrl,
    energy: state.energy,
    geomPositions: state.geom_xpos,
    geomRotations: state.geom_xmat,
    bodyPositions: state.xpos,
    bodyRotations: state.xmat,
    passive: state.qfrc_passive,
    fluid: state.qfrc_fluid,
    adhesion: state.qfrc_adhesion,
    actuator: state.qfrc_actuator,
    constraint: state.qfrc_constraint,
  };
}
