import type { Script } from '../models/scripted.ts';
import { sidewaysTransfer } from './sideways-transfer.ts';

const SCRIPTS: readonly Script[] = [sidewaysTransfer];

/** Every script that the scripted model can play. */
export const listScripts = (): readonly Script[] => SCRIPTS;

/** The script of this name, the first one without a name, or undefined. */
export function findScript(name: string | undefined): Script | undefined {
  return name === undefined ? SCRIPTS[0] : SCRIPTS.find((script) => script.name === name);
}
