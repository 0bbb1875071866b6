import { listIn, objectIn, textIn } from './loose.ts';
import type { Loose } from './loose.ts';
import { retryAfterMs } from '../../schemas/retry-after.ts';

/** An endpoint that wants to be left alone for longer is asked again after this. */
const RETRY_AFTER_S_MAX = 3_600;

/** The seconds that headers ask to wait, rounded up; undefined when they ask for none. */
export const retryAfterInHeaders = (headers: Parameters<typeof retryAfterMs>[0], now_ms: number): number | undefined =>
  bounded((retryAfterMs(headers, now_ms) ?? 0) / 1000);

/** The seconds that an error's own words ask to wait, as Google's `RetryInfo` or as "try again in 20s"; undefined when they ask for none. */
export function retryAfterInMessage(message: string, error: Loose): number | undefined {
  const info = listIn(error['details']).map((one) => textIn(objectIn(one)?.['retryDelay']));
  const delay = /^([\d.]+)s$/.exec(info.find((one) => one !== undefined) ?? '')?.[1];
  if (delay !== undefined) return bounded(Number(delay));
  const said =
    /\b(?:wait|(?:try|retry)(?: again)? (?:in|after))\s+(?:about |for )?([\d.]+)\s*(ms|milliseconds?|s|sec(?:ond)?s?|m|min(?:ute)?s?)\b/i;
  const [, amount, unit = 's'] = said.exec(message) ?? [];
  if (amount === undefined) return undefined;
  const s_each = /^(ms|milli)/i.test(unit) ? 0.001 : /^m/i.test(unit) ? 60 : 1;
  return bounded(Number(amount) * s_each);
}

const bounded = (seconds: number) => (seconds > 0 ? Math.min(Math.ceil(seconds), RETRY_AFTER_S_MAX) : undefined);
