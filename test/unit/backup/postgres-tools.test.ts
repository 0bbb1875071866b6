import { expect, test } from 'vitest';
import { libpqEnvironment, runPostgresTool, urlOfDatabase } from '../../../src/backup/postgres-tools.ts';

test('a URL becomes variables, decoded, so that no argument carries the password', () => {
  const env = libpqEnvironment(
    'postgres://me%40here:p%2Fw@db.example:6432/record?sslmode=verify-full&sslrootcert=/ca.pem',
  );
  expect(env).toEqual({
    PGCONNECT_TIMEOUT: '10',
    PGHOST: 'db.example',
    PGPORT: '6432',
    PGUSER: 'me@here',
    PGPASSWORD: 'p/w',
    PGDATABASE: 'record',
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: '/ca.pem',
  });
});

test('another database of the same server keeps everything else', () => {
  const url = urlOfDatabase('postgres://me:pw@[::1]:6432/record?sslmode=require', 'scratch one');
  expect(libpqEnvironment(url)).toMatchObject({ PGHOST: '::1', PGDATABASE: 'scratch one', PGSSLMODE: 'require' });
});

test.each(['postgresql+psycopg://me@db/record', 'mysql://db/record', 'record'])(
  '%s is refused instead of being taken for a local socket',
  (url) => {
    expect(() => libpqEnvironment(url)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  },
);

test('a program that is not there is said to be missing', async () => {
  const access = { bin_dir: '/nonexistent', path: '/usr/bin:/bin', url: () => 'postgres://me@127.0.0.1:1/record' };
  await expect(runPostgresTool(access, { program: 'pg_dump', args: [] })).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('pg_dump cannot be started'),
  });
});
