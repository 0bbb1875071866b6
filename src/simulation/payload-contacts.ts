import { nameOf } from './engine.ts';
import { geomName } from './payload.ts';
import type { MjContact } from '@mujoco/mujoco';
import type { SceneState } from './engine.ts';
import type { Scene } from './scene.ts';

/** A contact of the payload's sphere. */
export interface PayloadContact {
  /** Metres between the surfaces; negative where they overlap. */
  dist: number;
  point: number[];
  /** The other geom, -1 for a flex, and what it is called. */
  geom: number;
  other: () => string;
  /** Whether a force passes. */
  force: boolean;
  /** Newtons by which it may pull. */
  adhesion: number;
}

/** The payload's contacts in a state. */
export function contactsOf(scene: Scene, state: SceneState): PayloadContact[] {
  const contacts: PayloadContact[] = [];
  const all = state.contact;
  const forces = state.efc_force;
  const elliptic = scene.model.opt.cone === scene.mujoco.mjtCone.mjCONE_ELLIPTIC.value;
  const passes = ({ efc_address: from, dim }: MjContact) => {
    const rows = dim === 1 || elliptic ? dim : 2 * (dim - 1);
    return from >= 0 && forces.subarray(from, from + rows).some((force) => force !== 0);
  };
  try {
    for (let index = 0; index < all.size(); index++) {
      const contact = all.get(index);
      if (contact === undefined) continue;
      const { geom1, geom2, dist, adhesion } = contact;
      if (geom1 === scene.payload.geom || geom2 === scene.payload.geom) {
        const geom = geom1 === scene.payload.geom ? geom2 : geom1;
        const flex = geom >= 0 ? -1 : Math.max(...(contact.flex as Int32Array));
        const other = () => (geom >= 0 ? geomName(scene, geom) : `the flex "${nameOf(scene, 'FLEX', flex)}"`);
        const point = [...(contact.pos as Float64Array)];
        contacts.push({ dist, point, geom, other, force: passes(contact), adhesion });
      }
      contact.delete();
    }
  } finally {
    all.delete();
  }
  return contacts;
}
