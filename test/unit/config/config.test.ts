import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { defaultHome, loadConfig } from '../../../src/config/config.ts';
import type { Environment } from '../../../src/config/config.ts';

const COMPLETE = {
  DATABASE_URL: 'postgres://observatory:pg-hunter2@127.0.0.1:5432/observatory',
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  S3_ACCESS_KEY_ID: 'AKIA1',
  S3_SECRET_ACCESS_KEY: 's3-hunter2',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
};
const PRODUCTION = {
  ...COMPLETE,
  OBSERVATORY_MODE: 'production',
  LANGFUSE_BASE_URL: 'https://langfuse.example.com',
  LANGFUSE_PUBLIC_KEY: 'pk-lf-1',
  LANGFUSE_SECRET_KEY: 'sk-lf-hunter2',
  API_PUBLIC_URL: 'https://observatory.example.com/',
};

function errorOf(env: Environment): AppError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  test('fills in what has a usual value and ignores names that are not ours', () => {
    const config = loadConfig({ ...COMPLETE, EDITOR: '', LANG: 'C' });
    expect(config).toMatchObject({
      mode: 'development',
      s3: {
        region: 'us-east-1',
        bucket_artifacts: 'observatory-artifacts',
        bucket_backups: 'observatory-backups',
        public_endpoint: COMPLETE.S3_ENDPOINT,
        backups: { endpoint: COMPLETE.S3_ENDPOINT },
      },
      temporal: { namespace: 'default', task_queue_prefix: '', tls: undefined },
      api: { host: '127.0.0.1', port: 7700, public_url: 'http://127.0.0.1:7700' },
      sandbox: { mode: 'bubblewrap' },
      langfuse: undefined,
      models: { default: undefined, named: {}, endpoints: {} },
    });
  });

  test('prints no secret, whichever way it is printed, and reveals it when asked', () => {
    const config = loadConfig({ ...PRODUCTION, TEMPORAL_API_KEY: 'tk-hunter2', MODEL_API_KEY: 'mk-hunter2' });
    const printed = [inspect(config, { depth: null, showHidden: true }), JSON.stringify(config)];
    for (const secret of [config.database_url, config.s3.secret_access_key, config.temporal.api_key])
      printed.push(String(secret), JSON.stringify(secret), inspect(secret, { showHidden: true }));
    expect(printed.join('\n')).not.toContain('hunter2');
    expect(printed.join('\n')).toContain('[redacted]');
    expect(config.s3.secret_access_key.reveal()).toBe('s3-hunter2');
    expect(config.database_url.reveal()).toBe(COMPLETE.DATABASE_URL);
  });

  test('is frozen all the way down', () => {
    const config = loadConfig(COMPLETE);
    expect(() => Object.assign(config.s3.backups, { region: 'elsewhere' })).toThrow(TypeError);
    expect(() => Object.assign(config, { mode: 'production' })).toThrow(TypeError);
  });

  test.each([
    ['DATABASE_URL', 'mysql://u:hunter2@host/db'],
    ['DATABASE_URL', ''],
    ['S3_ENDPOINT', 'hunter2'],
    ['S3_BUCKET_ARTIFACTS', 'Hunter2!'],
    ['TEMPORAL_ADDRESS', 'hunter2'],
    ['TEMPORAL_TLS', 'hunter2'],
    ['API_PORT', '0'],
    ['API_PORT', '77hunter2'],
    ['API_HOST', ' '],
    ['OBSERVATORY_MODE', 'hunter2'],
    ['OBSERVATORY_REDACT_PATTERNS', '(?<=hunter2)x'],
    ['OBSERVATORY_SANDBOX', 'hunter2'],
    ['OBSERVATORY_API_KEY', 'hunter2'],
    ['MODEL_BASE_URL', ''],
  ])('names %s when it is %j, and does not repeat its value', (name, value) => {
    const error = errorOf({ ...COMPLETE, [name]: value });
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toContain(name);
    expect(error.message).not.toMatch(/hunter2/i);
  });

  test('names every malformed variable at once', () => {
    const error = errorOf({ ...COMPLETE, API_PORT: 'x', S3_ENDPOINT: 'x' });
    expect(error.message).toContain('API_PORT');
    expect(error.message).toContain('S3_ENDPOINT');
  });

  test.each([
    [{ LANGFUSE_BASE_URL: 'http://langfuse' }, 'LANGFUSE_SECRET_KEY'],
    [{ MODEL_BASE_URL: 'http://model/v1' }, 'MODEL_NAME'],
    [{ S3_BACKUPS_ENDPOINT: 'http://elsewhere' }, 'S3_BACKUPS_ACCESS_KEY_ID'],
    [{ TEMPORAL_TLS_CLIENT_CERT_PATH: 'client.pem' }, 'TEMPORAL_TLS_CLIENT_KEY_PATH'],
  ])('refuses half of a group: %j', (half, missing) => {
    expect(errorOf({ ...COMPLETE, ...half }).message).toMatch(new RegExp(`missing .*${missing}`));
  });

  test('an API key of Temporal implies TLS', () => {
    expect(loadConfig({ ...COMPLETE, TEMPORAL_API_KEY: 'key' }).temporal.tls).toBeDefined();
    expect(loadConfig({ ...COMPLETE, TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'false' }).temporal.tls).toBeUndefined();
  });

  test('says in development how to get what is missing', () => {
    const error = errorOf({ S3_ENDPOINT: COMPLETE.S3_ENDPOINT });
    expect(error.code).toBe('failed_precondition');
    expect(error.message).toContain('DATABASE_URL, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, TEMPORAL_ADDRESS');
    expect(error.message).toContain('npm start');
  });
});

describe('loadConfig in production', () => {
  test('accepts a complete configuration', () => {
    expect(loadConfig(PRODUCTION).api.public_url).toBe('https://observatory.example.com');
  });

  test('names all that is missing at once', () => {
    const error = errorOf({ OBSERVATORY_MODE: 'production' });
    expect(error.code).toBe('failed_precondition');
    for (const name of Object.keys(PRODUCTION).filter((key) => key !== 'OBSERVATORY_MODE'))
      expect(error.message).toContain(name);
  });

  test.each([
    ['DATABASE_URL', 'postgres://postgres:postgres@db/observatory'],
    ['DATABASE_URL', 'postgres://observatory@db/observatory'],
    ['S3_SECRET_ACCESS_KEY', 'minioadmin'],
    ['LANGFUSE_SECRET_KEY', 'sk-lf-1234567890'],
  ])('refuses the default or absent secret in %s', (name, value) => {
    const error = errorOf({ ...PRODUCTION, [name]: value });
    expect(error.code).toBe('failed_precondition');
    expect(error.message).toContain(name);
    expect(loadConfig({ ...COMPLETE, [name]: value, ...langfuseWith(name) }).mode).toBe('development');
  });
});

/** Development accepts the same value; Langfuse's variables go together. */
function langfuseWith(name: string): Environment {
  if (!name.startsWith('LANGFUSE_')) return {};
  return { LANGFUSE_BASE_URL: PRODUCTION.LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY: PRODUCTION.LANGFUSE_PUBLIC_KEY };
}

describe('defaultHome', () => {
  test('is what OBSERVATORY_HOME says, made absolute', () => {
    expect(defaultHome({ OBSERVATORY_HOME: '/srv/observatory' }, 0)).toBe('/srv/observatory');
    expect(defaultHome({ OBSERVATORY_HOME: 'here' }, 0)).toBe(`${process.cwd()}/here`);
  });

  test('is in the state directory for root and in the data directory for others', () => {
    expect(defaultHome({ HOME: '/root' }, 0)).toBe('/var/lib/observatory');
    expect(defaultHome({ HOME: '/users/ada' }, 1000)).toBe('/users/ada/.local/share/observatory');
    expect(defaultHome({ HOME: '/users/ada', XDG_DATA_HOME: '/data/ada' }, 1000)).toBe('/data/ada/observatory');
  });
});
