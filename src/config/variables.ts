import { RE2JS } from 're2js';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { ModelPrices } from '../schemas/model.ts';
import { CONTEXT_TOKENS_DEFAULT, WAIT_S_DEFAULT } from './options.ts';
import { privateKeyOf, publicKeyOf } from './signing-key.ts';

/** The port that the API asks for first. */
export const API_PORT_DEFAULT = 7700;
/** More than a person with a page and a script does, less than what crowds out others. */
const API_REQUESTS_PER_S_DEFAULT = 200;
/** A quarter of an hour: then a client of a stream comes back with its key. */
const API_STREAM_S_DEFAULT = 900;

const text = z.string().regex(/\S/, 'is set but empty').trim();
const httpUrl = text.refine((value) => hasProtocol(value, ['http:', 'https:']), 'must be an http(s) URL');
const postgresUrl = text.refine(
  (value) => hasProtocol(value, ['postgres:', 'postgresql:']),
  'must be a postgres:// URL',
);
const hostAndPort = text.regex(/^(\[[0-9a-fA-F:]+\]|[^\s/:]+):\d{1,5}$/, 'must be host:port');
const bucket = text.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name (3 to 63 of a-z 0-9 . -)');
const port = z.coerce
  .number('must be a port')
  .int('must be a port')
  .min(1, 'must be a port')
  .max(65_535, 'must be a port');
const modelPrices = z.string().transform((value, context): ModelPrices => {
  try {
    const prices = ModelPrices.safeParse(JSON.parse(value));
    if (prices.success) return prices.data;
  } catch {
    // No JSON: said below, in the same words.
  }
  const shape = '{"MODEL": {"input": 1, "cached": 0.1, "output": 4}}, in US dollars per million tokens';
  context.addIssue({ code: 'custom', message: `must be JSON like ${shape}` });
  return z.NEVER;
});
const count = (min: number, max: number) =>
  z.coerce
    .number('must be a count')
    .int('must be a count')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);
const words = z.string().transform((value) => value.split(/[\s,]+/).filter(Boolean));
const patterns = z
  .string()
  .transform((value) => value.split('\n').flatMap((line) => line.trim() || []))
  .refine(
    (lines) => lines.every(isPattern),
    'must be regular expressions of RE2’s syntax (no look-around, no back reference), one a line, that do not match nothing',
  );
const days = z.coerce
  .number('must be a count of days')
  .int('must be a count of days')
  .min(1, 'must be at least 1')
  .max(36_500, 'must be at most 36500');
const flag = z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');

/** The variables of our own; what else the environment holds is dropped. */
const Variables = z.object({
  OBSERVATORY_MODE: z.enum(['development', 'production'], 'must be development or production').default('development'),
  OBSERVATORY_HOME: text.optional(),
  OBSERVATORY_CONFIG: text.optional(),
  OBSERVATORY_SANDBOX: z
    .enum(['bubblewrap', 'unsafe', 'refuse'], 'must be bubblewrap, unsafe or refuse')
    .default('bubblewrap'),
  OBSERVATORY_POSTGRES_BIN_DIR: text.optional(),
  OBSERVATORY_REDACT_KEYS: words.default([]),
  OBSERVATORY_REDACT_PATTERNS: patterns.default([]),
  OBSERVATORY_API_KEY: text.regex(/^[\x21-\x7e]{16,200}$/, 'must be 16 to 200 visible ASCII characters').optional(),
  DATABASE_URL: postgresUrl.optional(),
  S3_ENDPOINT: httpUrl.optional(),
  S3_REGION: text.default('us-east-1'),
  S3_ACCESS_KEY_ID: text.optional(),
  S3_SECRET_ACCESS_KEY: text.optional(),
  S3_BUCKET_ARTIFACTS: bucket.default('observatory-artifacts'),
  S3_BUCKET_BACKUPS: bucket.default('observatory-backups'),
  S3_PUBLIC_ENDPOINT: httpUrl.optional(),
  S3_BACKUPS_ENDPOINT: httpUrl.optional(),
  S3_BACKUPS_REGION: text.optional(),
  S3_BACKUPS_ACCESS_KEY_ID: text.optional(),
  S3_BACKUPS_SECRET_ACCESS_KEY: text.optional(),
  TEMPORAL_ADDRESS: hostAndPort.optional(),
  TEMPORAL_NAMESPACE: text.default('default'),
  TEMPORAL_API_KEY: text.optional(),
  TEMPORAL_TLS: flag.optional(),
  TEMPORAL_TLS_SERVER_NAME: text.optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: text.optional(),
  TEMPORAL_TLS_CLIENT_CERT_PATH: text.optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: text.optional(),
  TEMPORAL_UI_URL: httpUrl.optional(),
  TEMPORAL_TASK_QUEUE_PREFIX: z.string().default(''),
  LANGFUSE_BASE_URL: httpUrl.optional(),
  LANGFUSE_PUBLIC_KEY: text.optional(),
  LANGFUSE_SECRET_KEY: text.optional(),
  MODEL_BASE_URL: httpUrl.optional(),
  MODEL_API_KEY: text.optional(),
  MODEL_NAME: text.optional(),
  MODEL_PRICES: modelPrices.default({}),
  MODEL_CONTEXT_TOKENS: z.coerce
    .number('must be a count of tokens')
    .int('must be a count of tokens')
    .min(1_000, 'must be at least 1000')
    .max(10_000_000, 'must be at most 10000000')
    .default(CONTEXT_TOKENS_DEFAULT),
  MODEL_IMAGES: flag.default(false),
  MODEL_STREAM: flag.default(true),
  MODEL_ALTERNATE_ROLES: flag.default(false),
  MODEL_WAIT_S: count(0, 86_400).default(WAIT_S_DEFAULT),
  MODEL_TEMPERATURE: z.coerce
    .number('must be a number')
    .min(0, 'must be at least 0')
    .max(10, 'must be at most 10')
    .optional(),
  MODEL_MAX_OUTPUT_TOKENS: count(1, 10_000_000).optional(),
  MODEL_REASONING_EFFORT: text.max(50, 'must have at most 50 characters').optional(),
  API_HOST: text.default('127.0.0.1'),
  API_PORT: port.default(API_PORT_DEFAULT),
  API_PUBLIC_URL: httpUrl.optional(),
  API_REQUESTS_PER_S: count(0, 1_000_000).default(API_REQUESTS_PER_S_DEFAULT),
  API_STREAM_S: count(1, 86_400).default(API_STREAM_S_DEFAULT),
  ALERT_WEBHOOK_URL: httpUrl.optional(),
  RETENTION_MEDIA_DAYS: days.optional(),
  RETENTION_EPISODE_DAYS: days.optional(),
  BACKUPS_SIGNING_KEY: text
    .refine(isSigningKey, 'must be an Ed25519 private key: PKCS8 in PEM, or its DER in base64')
    .optional(),
  BACKUPS_PUBLIC_KEY: text
    .refine(isPublicKey, 'must be an Ed25519 public key: SPKI in PEM, or its DER in base64')
    .optional(),
  ALERT_WEBHOOK_SECRET: text
    .regex(/^whsec_[A-Za-z0-9+/]{32,128}={0,2}$/, 'must be whsec_ and base64 of 24 to 96 bytes')
    .optional(),
});
/** The variables as parsed: typed, defaults filled in, still flat. */
export type Variables = z.infer<typeof Variables>;

/** Without these nothing works; the embedded stack gives them all. */
export const REQUIRED = [
  'DATABASE_URL',
  'S3_ENDPOINT',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'TEMPORAL_ADDRESS',
] as const;
/** In production tracing and links may not be missing either: they would fail silently. */
export const REQUIRED_IN_PRODUCTION = [
  ...REQUIRED,
  'LANGFUSE_BASE_URL',
  'LANGFUSE_PUBLIC_KEY',
  'LANGFUSE_SECRET_KEY',
  'API_PUBLIC_URL',
] as const;

/** Groups of which either all or none are given. */
const TOGETHER = [
  ['LANGFUSE_BASE_URL', 'LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'],
  ['MODEL_BASE_URL', 'MODEL_NAME'],
  ['S3_BACKUPS_ENDPOINT', 'S3_BACKUPS_ACCESS_KEY_ID', 'S3_BACKUPS_SECRET_ACCESS_KEY'],
  ['TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_KEY_PATH'],
] as const;

/** The variables of our own that are set: what a process that we start needs. */
export function ownVariables(env: Record<string, string | undefined>): Record<string, string> {
  const own: Record<string, string> = {};
  for (const name of Object.keys(Variables.shape)) {
    const value = env[name];
    if (value !== undefined) own[name] = value;
  }
  return own;
}

/** The parsed variables. Throws `invalid_argument` that names every malformed or half-given one, never its value. */
export function parseVariables(env: Record<string, string | undefined>): Variables {
  const parsed = Variables.safeParse(env);
  if (parsed.success) {
    requireTogether(parsed.data);
    return parsed.data;
  }
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new AppError('invalid_argument', `Configuration: ${wrong.join('; ')}.`, {
    details: { variables: parsed.error.issues.map((issue) => issue.path.join('.')).join(',') },
  });
}

function isSigningKey(text: string): boolean {
  return parsedKey(() => privateKeyOf(text));
}

function isPublicKey(text: string): boolean {
  return parsedKey(() => publicKeyOf(text));
}

function parsedKey(parse: () => { asymmetricKeyType?: string }): boolean {
  try {
    return parse().asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}

/** RE2 runs them over whatever agents write: none can be made slow. */
function isPattern(source: string): boolean {
  try {
    return !RE2JS.compile(source).matcher('').find();
  } catch {
    return false;
  }
}

function requireTogether(variables: Variables): void {
  for (const group of TOGETHER) {
    const missing = group.filter((name) => variables[name] === undefined);
    if (missing.length > 0 && missing.length < group.length)
      throw new AppError(
        'invalid_argument',
        `Configuration: ${group.join(', ')} go together; missing ${missing.join(', ')}.`,
      );
  }
}

function hasProtocol(value: string, protocols: string[]): boolean {
  return URL.canParse(value) && protocols.includes(new URL(value).protocol);
}
