/**
 * How long the headers of an answer ask to wait, in milliseconds of zero or more: `retry-after` in seconds or as an HTTP date
 * (RFC 9110, 10.2.3), before it `retry-after-ms`, which OpenAI's servers send. undefined where they do not say, or say nothing
 * that can be read. How much of it is granted is the caller's to bound.
 */
export function retryAfterMs(headers: { get: (name: string) => string | null }, now_ms: number): number | undefined {
  const exact = numberIn(headers.get('retry-after-ms'));
  if (exact !== undefined && exact > 0) return exact;
  const header = headers.get('retry-after');
  const seconds = numberIn(header);
  const ms = seconds === undefined ? Date.parse(header ?? '') - now_ms : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

const numberIn = (text: string | null) => (/^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : undefined);
