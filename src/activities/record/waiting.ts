import type { Kysely } from 'kysely';
import { listTries } from '../../db/read/waiting.ts';
import { AppError } from '../../errors.ts';
import type { Database } from '../../schemas/database.ts';
import type { Step } from '../../schemas/step.ts';
import { OUT_OF_TIME } from './wall-time.ts';

/** How often an answer that broke, or a bug of ours, is tried again. Tries that waited for somebody are not among these. */
const FEW_TRIES_MAX = 5;
/** Between tries to reach an endpoint that does not say how long it wants to be left alone: 1, 2, 4 … seconds. */
const PAUSE_S_MAX = 30;

/**
 * The error of a failed try, with what is to follow from it: `retry_after_s` until the next one, or `final` where there is to be
 * none. A model's endpoint that is away or busy is waited for within its own bound, counted from the first of the tries in a row
 * that it was; what is worth a few tries gets a few, however often somebody was waited for between them.
 */
export async function withWaiting(db: Kysely<Database>, { id }: Pick<Step, 'id'>, error: AppError): Promise<AppError> {
  const { code, message, details } = error;
  const ofEndpoint = details['origin'] === 'model_endpoint';
  const waits = ofEndpoint && code === 'unavailable';
  if (!waits && error.retry !== 'a_few_times') return error;
  const tries = await listTries(db, id);
  const spoken = tries.filter((one, place) => place === 0 || one.code !== null);
  if (!waits) {
    const same = spoken.filter((one, place) => place === 0 || one.code === code).length;
    return same < FEW_TRIES_MAX ? error : changed(error, message, { final: true });
  }
  const others = spoken.findIndex((one, place) => place > 0 && one.code !== 'unavailable');
  const inRow = others < 0 ? spoken : spoken.slice(0, others);
  const waited_s = (inRow.at(-1)?.age_ms ?? 0) / 1000;
  const { wait_s = 0, retry_after_s } = details;
  const pause_s = typeof retry_after_s === 'number' ? retry_after_s : Math.min(2 ** (inRow.length - 1), PAUSE_S_MAX);
  const { left_ms } = details;
  if (typeof left_ms === 'number' && pause_s * 1000 >= left_ms)
    return new AppError('deadline_exceeded', `${message} (no time is left of budgets.wall_s to wait for it)`, {
      details: { ...details, ...OUT_OF_TIME },
    });
  if (waited_s + pause_s <= Number(wait_s)) return changed(error, message, { retry_after_s: pause_s });
  const how = `${message} (waited for it ${Math.round(waited_s)} of at most ${Number(wait_s)} s, in ${inRow.length} tries)`;
  return changed(error, how, { final: true });
}

const changed = ({ code, details, cause }: AppError, message: string, more: AppError['details']) =>
  new AppError(code, message, { details: { ...details, ...more }, ...(cause !== undefined && { cause }) });
