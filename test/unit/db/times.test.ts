// Times as Postgres writes them under any setting of a session: in UTC, or refused, and never another instant.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utcOfPostgres } from '../../../src/db/client.ts';

test('a time in any zone is the same instant in UTC, with its microseconds', () => {
  const at = fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(at, fc.integer({ min: -12, max: 14 }), fc.constantFrom('00', '30', '45'), (instant, hours, minutes) => {
      const offset = (hours < 0 ? -1 : 1) * (Math.abs(hours) * 60 + Number(minutes)) * 60_000;
      const local = new Date(instant.getTime() + offset).toISOString().replace('T', ' ').replace('Z', '');
      const zone = `${offset < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}${minutes === '00' ? '' : `:${minutes}`}`;
      expect(Date.parse(utcOfPostgres(`${local}${zone}`))).toBe(instant.getTime());
    }),
  );
  expect(utcOfPostgres('2026-11-30 03:27:10.76443+00')).toBe('2026-11-30T03:27:10.76443Z');
  expect(utcOfPostgres('2026-11-30 08:57:10.76443+05:30')).toBe('2026-11-30T03:27:10.76443Z');
  expect(utcOfPostgres('2026-11-30 08:57:00+05:30')).toBe('2026-11-30T03:27:00Z');
});

test.each(['30.11.2026 03:27:10.76443 UTC', 'Mon Nov 30 03:27:10 2026 UTC', 'infinity', '2026-11-30 03:27:10'])(
  'what is no time of ISO 8601 is refused: %s',
  (text) => {
    expect(() => utcOfPostgres(text)).toThrow(`"${text}"`);
  },
);
