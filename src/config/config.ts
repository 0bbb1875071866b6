import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import type { ModelsConfig } from '../schemas/model.ts';
import type { OwnAgent } from '../schemas/own-agent.ts';
import { findConfigFile, readConfigFile } from './file.ts';
import { modelsConfig } from './models.ts';
import { Secret } from './secret.ts';
import { refuseDefaultSecrets } from './default-secrets.ts';
import { parseVariables, REQUIRED, REQUIRED_IN_PRODUCTION } from './variables.ts';
import type { Variables } from './variables.ts';

/** Variables by name, as a process receives them. */
export type Environment = Record<string, string | undefined>;

/** Everything that a process is given from outside, parsed once and frozen. Secrets print as `[redacted]`. */
export type Config = {
  readonly mode: 'development' | 'production';
  readonly home: string;
  readonly cache: string;
  readonly database_url: Secret;
  /** Where `pg_dump` and `pg_restore` of the server's version are; undefined means: on PATH. */
  readonly postgres_bin_dir: string | undefined;
  readonly s3: S3Config;
  readonly temporal: TemporalConfig;
  readonly langfuse:
    | { readonly base_url: string; readonly public_key: string; readonly secret_key: Secret }
    | undefined;
  readonly models: ModelsConfig;
  /** The agents that the configuration brings, by name. A map, so that freezing leaves their graphs alone. */
  readonly agents: ReadonlyMap<string, OwnAgent>;
  readonly api: {
    readonly host: string;
    readonly port: number;
    readonly public_url: string;
    /** How often one key may ask one process of the API; 0 is no limit. */
    readonly requests_per_s_max: number;
    /** How long a stream stays open before its client must come back, in seconds. */
    readonly stream_s_max: number;
    /** What our own commands show the API; in the embedded stack a generated operator's key. */
    readonly key: Secret | undefined;
  };
  readonly sandbox: { readonly mode: 'bubblewrap' | 'unsafe' | 'refuse' };
  /** After how many days the log lines and videos of ended episodes go, and whole episodes; undefined: never. */
  readonly retention: { readonly media_days: number | undefined; readonly episode_days: number | undefined };
  /** The key that signs restore points, and the one that must have signed those that are verified and restored. */
  readonly signing: { readonly private_key: Secret | undefined; readonly public_key: string | undefined };
  /** Where alerts and ended episodes are posted; `secret` signs what is posted. */
  readonly webhook: { readonly url: Secret; readonly secret: Secret | undefined } | undefined;
  /** What is taken out of records and traces besides what looks like a secret: names of members, regular expressions. */
  readonly redaction: { readonly keys: readonly string[]; readonly patterns: readonly string[] };
};

/** The artifact store, and the backup store, which is the same endpoint unless S3_BACKUPS_* names another. */
export type S3Config = S3Access & {
  readonly bucket_artifacts: string;
  readonly bucket_backups: string;
  /** What a person's browser uses in presigned links. */
  readonly public_endpoint: string;
  readonly backups: S3Access;
};

/** One S3 endpoint and the key pair for it. */
export type S3Access = {
  readonly endpoint: string;
  readonly region: string;
  readonly access_key_id: string;
  readonly secret_access_key: Secret;
};

/** The Temporal service. `tls` holds paths of PEM files; undefined means plain text. */
export type TemporalConfig = {
  readonly address: string;
  readonly namespace: string;
  readonly api_key: Secret | undefined;
  readonly tls:
    | {
        readonly server_name: string | undefined;
        readonly ca_path: string | undefined;
        readonly cert_path: string | undefined;
        readonly key_path: string | undefined;
      }
    | undefined;
  readonly ui_url: string | undefined;
  readonly task_queue_prefix: string;
};

/** This process's environment: the one place that reads it. */
export function processEnvironment(): Environment {
  return process.env;
}

/** What is needed of the variables: all that a deployment needs, or only what is named. */
type Needs = { needs?: readonly (keyof Variables)[] };

/**
 * The frozen configuration that the variables describe (names in the README). Throws `invalid_argument` naming every
 * malformed variable, never its value, or `failed_precondition` naming every missing one at once.
 */
export function loadConfig(env: Environment, { needs }: Needs = {}): Config {
  const variables = parseVariables(env);
  const required = needs ?? (variables.OBSERVATORY_MODE === 'production' ? REQUIRED_IN_PRODUCTION : REQUIRED);
  const missing = required.filter((name) => variables[name] === undefined);
  if (missing.length > 0) {
    const hint =
      variables.OBSERVATORY_MODE === 'production'
        ? 'Production embeds nothing: set them.'
        : 'Start the embedded stack with `npm start`, or set them.';
    throw new AppError('failed_precondition', `Missing: ${missing.join(', ')}. ${hint}`, {
      details: { missing: missing.join(',') },
    });
  }
  if (variables.OBSERVATORY_MODE === 'production') refuseDefaultSecrets(variables);
  const options = readConfigFile(findConfigFile(variables.OBSERVATORY_CONFIG));
  return freeze({
    mode: variables.OBSERVATORY_MODE,
    home: defaultHome(env),
    cache: cacheFolder(env),
    database_url: new Secret(variables.DATABASE_URL ?? ''),
    postgres_bin_dir: variables.OBSERVATORY_POSTGRES_BIN_DIR,
    s3: s3Config(variables),
    temporal: temporalConfig(variables),
    langfuse: langfuseConfig(variables),
    models: modelsConfig(options, variables, env),
    agents: new Map((options.agents ?? []).map((agent) => [agent.name, agent])),
    api: apiConfig(variables),
    sandbox: { mode: variables.OBSERVATORY_SANDBOX },
    retention: { media_days: variables.RETENTION_MEDIA_DAYS, episode_days: variables.RETENTION_EPISODE_DAYS },
    signing: { private_key: secret(variables.BACKUPS_SIGNING_KEY), public_key: variables.BACKUPS_PUBLIC_KEY },
    webhook: webhookConfig(variables),
    redaction: { keys: variables.OBSERVATORY_REDACT_KEYS, patterns: variables.OBSERVATORY_REDACT_PATTERNS },
  });
}

/**
 * The absolute folder of the embedded stack's data and caches: OBSERVATORY_HOME, else for root the system's state
 * directory (servers drop to a user who cannot enter root's home), else the user's data directory (XDG).
 */
export function defaultHome(env: Environment, uid: number | undefined = process.getuid?.()): string {
  if (env['OBSERVATORY_HOME']) return resolve(env['OBSERVATORY_HOME']);
  if (uid === 0) return '/var/lib/observatory';
  return join(env['XDG_DATA_HOME'] || join(env['HOME'] || homedir(), '.local', 'share'), 'observatory');
}

/** The absolute folder of what can be made or fetched again: OBSERVATORY_CACHE, which several homes may share, else one in the home. */
export function cacheFolder(env: Environment): string {
  return env['OBSERVATORY_CACHE'] ? resolve(env['OBSERVATORY_CACHE']) : join(defaultHome(env), 'cache');
}

function s3Config(variables: Variables): S3Config {
  const access: S3Access = {
    endpoint: variables.S3_ENDPOINT ?? '',
    region: variables.S3_REGION,
    access_key_id: variables.S3_ACCESS_KEY_ID ?? '',
    secret_access_key: new Secret(variables.S3_SECRET_ACCESS_KEY ?? ''),
  };
  return {
    ...access,
    bucket_artifacts: variables.S3_BUCKET_ARTIFACTS,
    bucket_backups: variables.S3_BUCKET_BACKUPS,
    public_endpoint: variables.S3_PUBLIC_ENDPOINT ?? access.endpoint,
    backups: {
      endpoint: variables.S3_BACKUPS_ENDPOINT ?? access.endpoint,
      region: variables.S3_BACKUPS_REGION ?? access.region,
      access_key_id: variables.S3_BACKUPS_ACCESS_KEY_ID ?? access.access_key_id,
      secret_access_key: secret(variables.S3_BACKUPS_SECRET_ACCESS_KEY) ?? access.secret_access_key,
    },
  };
}

function temporalConfig(variables: Variables): TemporalConfig {
  const files = {
    server_name: variables.TEMPORAL_TLS_SERVER_NAME,
    ca_path: variables.TEMPORAL_TLS_SERVER_CA_CERT_PATH,
    cert_path: variables.TEMPORAL_TLS_CLIENT_CERT_PATH,
    key_path: variables.TEMPORAL_TLS_CLIENT_KEY_PATH,
  };
  // An API key must not travel in the clear, so it implies TLS unless that is switched off by name.
  const implied = variables.TEMPORAL_API_KEY !== undefined || Object.values(files).some((value) => value !== undefined);
  return {
    address: variables.TEMPORAL_ADDRESS ?? '',
    namespace: variables.TEMPORAL_NAMESPACE,
    api_key: secret(variables.TEMPORAL_API_KEY),
    tls: (variables.TEMPORAL_TLS ?? implied) ? files : undefined,
    ui_url: variables.TEMPORAL_UI_URL,
    task_queue_prefix: variables.TEMPORAL_TASK_QUEUE_PREFIX,
  };
}

function langfuseConfig(variables: Variables): Config['langfuse'] {
  const { LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY } = variables;
  if (!LANGFUSE_BASE_URL || !LANGFUSE_PUBLIC_KEY || !LANGFUSE_SECRET_KEY) return undefined;
  return { base_url: LANGFUSE_BASE_URL, public_key: LANGFUSE_PUBLIC_KEY, secret_key: new Secret(LANGFUSE_SECRET_KEY) };
}

function webhookConfig({ ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET }: Variables): Config['webhook'] {
  if (!ALERT_WEBHOOK_URL) return undefined;
  return { url: new Secret(ALERT_WEBHOOK_URL), secret: secret(ALERT_WEBHOOK_SECRET) };
}

function apiConfig(variables: Variables): Config['api'] {
  const everywhere = variables.API_HOST === '0.0.0.0' || variables.API_HOST === '::';
  const host = everywhere ? 'localhost' : variables.API_HOST;
  return {
    host: variables.API_HOST,
    port: variables.API_PORT,
    key: secret(variables.OBSERVATORY_API_KEY),
    requests_per_s_max: variables.API_REQUESTS_PER_S,
    stream_s_max: variables.API_STREAM_S,
    public_url: (variables.API_PUBLIC_URL ?? `http://${host}:${variables.API_PORT}`).replace(/\/+$/, ''),
  };
}

function secret(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}

function freeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) freeze(member);
  return Object.freeze(value);
}
