const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A duration in at most two units: `850 ms`, `6.1 s`, `4 min 12 s`, `2 h 5 min`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / 1_000)} s`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ${Math.floor((ms % HOUR_MS) / MINUTE_MS)} min`;
  return `${Math.floor(ms / DAY_MS)} d ${Math.floor((ms % DAY_MS) / HOUR_MS)} h`;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count with thousands apart. */
export const count = (value: number): string => whole.format(value);
/** A count in few characters: `1.2K`. */
export const compact = (value: number): string => short.format(value);

/** US dollars, with as many digits as say something; null is a cost that nobody knows, which is never shown as nothing. */
export function usd(value: number | null): string {
  if (value === null) return 'cost unknown';
  if (value === 0) return '$0';
  if (value < 0.01) return `$${value.toPrecision(2)}`;
  return `$${value.toFixed(value < 100 ? 2 : 0)}`;
}

/** A share as a percentage; a dash where there is none. */
export const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`);

/** Bytes in units of 1,000. */
export function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  if (size < 1_000_000) return `${(size / 1_000).toFixed(size < 10_000 ? 1 : 0)} kB`;
  if (size < 1_000_000_000) return `${(size / 1_000_000).toFixed(1)} MB`;
  return `${(size / 1_000_000_000).toFixed(2)} GB`;
}

/** As near as this is now. */
const SOON_MS = 45_000;

/** How long ago, roughly, of what is past; the exact time belongs into a title beside it. */
export function ago(iso: string, now = Date.now()): string {
  const ms = now - Date.parse(iso);
  if (ms < -SOON_MS) return moment(iso);
  if (ms < SOON_MS) return 'just now';
  if (ms < HOUR_MS) return `${Math.max(1, Math.round(ms / MINUTE_MS))} min ago`;
  if (ms < DAY_MS) return `${Math.round(ms / HOUR_MS)} h ago`;
  if (ms < 30 * DAY_MS) return `${Math.round(ms / DAY_MS)} d ago`;
  return iso.slice(0, 10);
}

/** A point in time in the reader's own zone, to the second. */
export const moment = (iso: string): string =>
  new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** Milliseconds between two times; to now where the second is still to come. */
export const between = (from: string, to: string | null, now = Date.now()): number =>
  (to === null ? now : Date.parse(to)) - Date.parse(from);

/** An id in the few characters that tell it from its neighbours: of a UUIDv7 the end is random. */
export const shortId = (id: string): string => id.slice(-8);

/** SCREAMING_SNAKE and snake_case as words. */
export const words = (name: string): string => name.toLowerCase().replaceAll('_', ' ');
