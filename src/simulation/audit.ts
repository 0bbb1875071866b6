import { readRows } from './constraint-rows.ts';
import { findBond, isDriven, mayBeBound, nameDrive } from './drives.ts';
import { createTouchRules } from './touch.ts';
import type { Benchmark } from '../schemas/simulation.ts';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';
import type { StateViews } from './state-views.ts';

/** Watches one trial for what moves the payload unfairly. Both answer in words for the agent, undefined where all is fair. */
export interface Audit {
  /** Before the first step, with positions and contacts computed. */
  start(): string | undefined;
  /** After each step; `before` are the velocities that it began with. */
  step(views: StateViews, before: Float64Array): string | undefined;
}

/**
 * The rule: what moves the payload is gravity, the medium that the benchmark declares, and touch. Every force that reaches its
 * degrees of freedom is accounted for, whatever made it; touch has rules of its own.
 */
export function createAudit(scene: Scene, state: SceneState, { allowed = [] }: Benchmark): Audit {
  const adhesion = allowed.includes('adhesion');
  const bound = mayBeBound(scene);
  const touch = createTouchRules(scene, state);
  const { dofAt } = scene.payload;
  const isHeld = ({ constraint }: StateViews) => {
    for (let dof = dofAt; dof < dofAt + 6; dof++) if (constraint[dof] !== 0) return true;
    return false;
  };
  return {
    start: () => touch.start(),
    step(views, before) {
      const drive = isDriven(scene, views, adhesion) ? nameDrive(scene, state, adhesion) : undefined;
      if (drive !== undefined) return `${drive} acts on it`;
      if (!isHeld(views)) {
        touch.lift();
        return undefined;
      }
      if (!bound && !touch.isClose(views)) return touch.rest(views, before);
      const rows = readRows(scene, state);
      const bond = bound ? findBond(scene, state, rows) : undefined;
      if (bond !== undefined) return `${bond} acts on it`;
      return touch.step({ rows, views, before });
    },
  };
}
