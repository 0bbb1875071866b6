/** ISO 8601 UTC with up to nine decimals as nanoseconds since 1970. */
export function nanosecondsOf(iso: string): string {
  const [, seconds = iso, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso) ?? [];
  return `${BigInt(Date.parse(`${seconds}Z`)) / 1000n}${fraction.slice(0, 9).padEnd(9, '0')}`;
}
