import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ready, startGuarded } from './guarded-process.ts';
import { makeOwnCertificate } from './own-certificate.ts';
import type { OwnCertificate } from './own-certificate.ts';
import { TWIN_OFFSET } from './ports.ts';
import { guardedOptions, serverOf } from './server.ts';
import type { Server, ServerOptions } from './server.ts';

const READY_DURATION_MS_MAX = 60_000;
const REQUEST_DURATION_MS_MAX = 5_000;
const STOP_SECONDS_MAX = 15;
/** SeaweedFS takes any; clients must sign with some. */
export const EMBEDDED_REGION = 'us-east-1';

/** Whose gRPC shows a certificate, and asks for it. */
const GRPC_PARTS = ['MASTER', 'VOLUME', 'FILER', 'S3', 'ADMIN', 'WORKER', 'CLIENT'];
const INNER_PARTS = ['master', 'volume', 'filer', 'admin'];
/** The names of its inner listeners, whose ports should stay the same: the master keeps its state under its port. */
export const SEAWEEDFS_INNER_PORTS = [...INNER_PARTS, 's3-grpc'].map((part) => `seaweedfs-${part}`);

/** A running SeaweedFS: its S3 address. */
export type SeaweedfsServer = Server & { endpoint: string };

/** A key pair for S3, and the key by which SeaweedFS's parts trust each other (at least 16 bytes). */
export type SeaweedfsKeys = { access_key_id: string; secret_access_key: string; signing_key: string };

/**
 * Starts SeaweedFS (`weed mini`) on the loopback address only, its data in `<folder>/data`; resolves when the buckets
 * exist. Its inner parts listen on `inner_ports` (in the order of SEAWEEDFS_INNER_PORTS, with their twins) and answer
 * nobody else on this machine: they ask for a signature or for the certificate of this start. Throws `unavailable`.
 */
export async function startSeaweedfs(
  options: ServerOptions & { keys: SeaweedfsKeys; buckets: string[]; inner_ports: number[] },
): Promise<SeaweedfsServer> {
  const { folder, port, keys, inner_ports } = options;
  const [data, temporary] = [join(folder, 'data'), join(folder, 'tmp')];
  for (const path of [data, temporary]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const flags: Record<string, string | number | boolean> = {
    dir: data,
    ip: '127.0.0.1',
    'ip.bind': '127.0.0.1',
    's3.port': port,
    's3.port.grpc': inner_ports[INNER_PARTS.length] ?? 0,
    's3.port.iceberg': 0,
    's3.port.lance': 0,
    's3.localSocket': join(temporary, 's3.sock'),
    's3.autoCreateBucket': false,
    'filer.localSocket': join(temporary, 'filer.sock'),
    'volume.preStopSeconds': 0,
    webdav: false,
    'admin.ui': false,
    // It would report to its makers.
    'master.telemetry': false,
  };
  for (const [index, part] of INNER_PARTS.entries()) {
    const inner = inner_ports[index] ?? 0;
    flags[`${part}.port`] = inner;
    flags[`${part}.port.grpc`] = inner + TWIN_OFFSET;
  }
  const child = await startGuarded({
    ...guardedOptions(options, 'seaweedfs'),
    env: {
      ...options.env,
      TMPDIR: temporary,
      AWS_ACCESS_KEY_ID: keys.access_key_id,
      AWS_SECRET_ACCESS_KEY: keys.secret_access_key,
      ...locks(keys, await makeOwnCertificate(temporary, 'seaweedfs')),
    },
    command: options.binary,
    args: ['-logtostderr=true', 'mini', ...Object.entries(flags).map(([name, value]) => `-${name}=${value}`)],
    user: undefined,
    stop_signal: 'TERM',
    stop_seconds_max: STOP_SECONDS_MAX,
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = createClient(endpoint, keys);
  try {
    await ready(child, {
      what: 'SeaweedFS',
      duration_ms_max: READY_DURATION_MS_MAX,
      attempt: () => createBuckets(client, options.buckets),
    });
  } finally {
    client.destroy();
  }
  return { ...serverOf(child), endpoint };
}

/** What closes the listeners of its parts to other users of this machine, as SeaweedFS reads it from its environment. */
function locks({ signing_key }: SeaweedfsKeys, { cert_path, key_path }: OwnCertificate): Record<string, string> {
  // Without these the volumes and the filer hand every object to whoever asks over HTTP.
  const signed = ['SIGNING', 'SIGNING_READ', 'FILER_SIGNING', 'FILER_SIGNING_READ'].map((name) => [
    `WEED_JWT_${name}_KEY`,
    signing_key,
  ]);
  // Without these anybody deletes files over gRPC, and whole collections over the master's HTTP.
  const certified = [...GRPC_PARTS.map((part) => `WEED_GRPC_${part}`), 'WEED_HTTPS_MASTER', 'WEED_HTTPS_ADMIN'].flatMap(
    (name) => [
      [`${name}_CERT`, cert_path],
      [`${name}_KEY`, key_path],
      [`${name}_CA`, cert_path],
    ],
  );
  const all = [...signed, ...certified, ['WEED_GRPC_CA', cert_path]] as [string, string][];
  return Object.fromEntries(all);
}

async function createBuckets(client: S3Client, wanted: string[]): Promise<void> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  const present = new Set(Buckets.map(({ Name }) => Name));
  for (const bucket of wanted) if (!present.has(bucket)) await client.send(new CreateBucketCommand({ Bucket: bucket }));
}

function createClient(endpoint: string, keys: SeaweedfsKeys): S3Client {
  return new S3Client({
    endpoint,
    region: EMBEDDED_REGION,
    credentials: { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key },
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { requestTimeout: REQUEST_DURATION_MS_MAX, throwOnRequestTimeout: true },
  });
}
