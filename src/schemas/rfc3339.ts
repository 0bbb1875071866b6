import { z } from 'zod';

// All of RFC 3339: any offset, `t` and `z` in lower case too, fractions of any length, leap seconds.

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
/** The first and the last second whose year has four digits and that PostgreSQL writes without an era. */
const FIRST_S = Date.parse('0001-01-01T00:00:00Z') / 1000;
const LAST_S = Date.parse('9999-12-31T23:59:59Z') / 1000;
const DAY_S = 86_400;

/** A point in time as clients write it: RFC 3339 with any offset. */
export const DateTime = z
  .string()
  .refine((text) => secondsOf(text) !== undefined, 'must be a time of RFC 3339, such as 2026-01-31T12:00:00Z')
  .meta({ format: 'date-time' });

/**
 * The same instant in UTC with microseconds, as the database keeps it; finer digits are cut. `exact` is false for an
 * instant outside the years 1 to 9999 in UTC, which is moved to their end. Throws RangeError for what is no RFC 3339.
 */
export function utcOf(text: string): { utc: string; exact: boolean } {
  const instant = secondsOf(text);
  if (!instant) throw new RangeError('no RFC 3339 time');
  const { seconds, fraction } = instant;
  const kept = Math.min(Math.max(seconds, FIRST_S), LAST_S);
  const exact = kept === seconds;
  const micros = exact ? fraction.padEnd(6, '0').slice(0, 6) : '000000';
  return { utc: `${new Date(kept * 1000).toISOString().slice(0, 19)}.${micros}Z`, exact };
}

/** Whole seconds since 1970 and the digits of the fraction; undefined for what is no RFC 3339 time. */
function secondsOf(text: string): { seconds: number; fraction: string } | undefined {
  const [, ...parts] = RFC3339.exec(text) ?? [];
  if (parts.length === 0) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(0, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = parts.slice(6);
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const dayExists = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  if (!dayExists || hour > 23 || minute > 59 || second > 60) return undefined;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -60 : 60);
  const seconds = midnight.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  // A leap second ends a day in UTC. It counts as the next day's first, as in PostgreSQL.
  return second === 60 && seconds % DAY_S !== 0 ? undefined : { seconds, fraction };
}
