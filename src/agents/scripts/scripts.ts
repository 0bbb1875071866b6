import type { Script } from '../models/scripted.ts';
import { narrowFunnel } from './narrow-funnel.ts';
import { outOfBudget } from './out-of-budget.ts';
import { sidewaysTransfer } from './sideways-transfer.ts';

const SCRIPTS: readonly Script[] = [sidewaysTransfer, narrowFunnel, outOfBudget];

/** Every script that the scripted model can play. */
export const listScripts = (): readonly Script[] => SCRIPTS;

/** The script of this name, the first one without a name, or undefined. */
export function findScript(name: string | undefined): Script | undefined {
  return name === undefined ? SCRIPTS[0] : SCRIPTS.find((script) => script.name === name);
}
