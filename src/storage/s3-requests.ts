import { createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { S3Connection } from './s3-client.ts';
import { sha256Of } from '../identity.ts';

/** The longest silence on a connection, also while the other end of a copy is slow or the server makes up its answer. */
const SILENCE_MS_MAX = 120_000;
const SOCKETS_MAX = 50;
/** Tries of one piece of work, with a jittered pause that doubles from this: a second or two in all. */
const ATTEMPTS_MAX = 4;
const PAUSE_MS = 100;

/** Where in the bucket, and what else the request says. */
export type S3Request = {
  bucket: string;
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
};

/**
 * Signed requests to an S3 server (path-style, Signature Version 4) without the SDK, whose every request takes a millisecond of CPU and
 * much memory: a mirror makes tens of thousands. What is not 2xx is thrown as the SDK would, for `fromS3`. Disposing closes the connections.
 */
export interface S3Requests extends Disposable {
  /** The answer, whose body the caller reads or destroys. Tried again while the server is away. */
  get(request: S3Request): Promise<http.IncomingMessage>;
  /** Sends a body of the announced length and hash, once: the server refuses any other. Returns the answer's head. */
  put(request: S3Request, body: AsyncIterable<Uint8Array>, announced: Announced): Promise<http.IncomingHttpHeaders>;
}

type Announced = { sha256: string; size_bytes: number };

/** The requests of one key pair to one server. */
export function createS3Requests({ endpoint, region, credentials }: S3Connection): S3Requests {
  const { protocol, hostname, port, host } = new URL(endpoint);
  const { request: open, Agent } = protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const sign = createSigner({ region, credentials, host });
  const begin = (method: 'GET' | 'PUT', request: S3Request, sha256: string) => {
    const { path, headers } = sign(method, request, sha256);
    const { signal } = request;
    const begun = open({ hostname: hostname.replace(/^\[|\]$/g, ''), port, method, path, headers, agent, signal });
    begun.setTimeout(SILENCE_MS_MAX, () => begun.destroy(new DOMException('The server is silent.', 'TimeoutError')));
    const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
      begun.once('response', resolve).on('error', reject);
    });
    return { begun, answer };
  };
  return {
    get: async (request) =>
      retrying(async () => {
        const { begun, answer } = begin('GET', request, SHA256_OF_NOTHING);
        begun.end();
        return accepted(await answer);
      }, request.signal),
    async put(request, body, { sha256, size_bytes }) {
      // The signature names the hash too, but not every server holds the body against that.
      const checksum = Buffer.from(sha256, 'hex').toString('base64');
      const more = { 'content-length': String(size_bytes), 'x-amz-checksum-sha256': checksum };
      const headers = { ...request.headers, ...more };
      const { begun, answer } = begin('PUT', { ...request, headers }, sha256);
      try {
        await send(begun, body, answer);
        return (await accepted(await answer)).resume().headers;
      } catch (error) {
        begun.destroy();
        throw error;
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** Sends all of the body, or what the server wanted of it: an early answer is a refusal, and says more than a broken connection would. */
async function send(
  begun: http.ClientRequest,
  body: AsyncIterable<Uint8Array>,
  answer: Promise<http.IncomingMessage>,
): Promise<void> {
  let answered = false;
  const settled = answer.finally(() => {
    answered = true;
  });
  settled.catch(() => {}); // Whoever waits for the answer gets it.
  for await (const chunk of body) {
    if (answered) return;
    if (!begun.write(chunk)) await Promise.race([settled, new Promise((drained) => begun.once('drain', drained))]);
  }
  begun.end();
}

/** Does work again, a few times, that failed because the server was away or busy. */
export async function retrying<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || signal?.aborted || AppError.from(error).retry !== 'patiently') throw error;
      await pause(PAUSE_MS * 2 ** attempt * Math.random(), undefined, signal ? { signal } : {});
    }
  }
}

async function accepted(answer: http.IncomingMessage): Promise<http.IncomingMessage> {
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  const said = await text(answer);
  const name = /<Code>(\w+)<\/Code>/.exec(said)?.[1] ?? `HTTP ${statusCode}`;
  const message = /<Message>([^<]*)<\/Message>/.exec(said)?.[1] ?? name;
  throw Object.assign(new Error(message), { name, $metadata: { httpStatusCode: statusCode } });
}

const sha256 = sha256Of;
const hmac = (key: string | Buffer | KeyObject, content: string) => createHmac('sha256', key).update(content).digest();
const SHA256_OF_NOTHING = sha256('');

/** Signature Version 4 as in https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function createSigner({ region, credentials, host }: Omit<S3Connection, 'endpoint'> & { host: string }) {
  const { accessKeyId, secretAccessKey } = credentials;
  let signing: { day: string; key: KeyObject } | undefined;
  return (method: string, { bucket, key = '', query = {}, headers = {} }: S3Request, payload: string) => {
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const day = time.slice(0, 8);
    if (signing?.day !== day) {
      const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), 's3'), 'aws4_request');
      // A key object is made once; a buffer would be made into one for every request.
      signing = { day, key: createSecretKey(key) };
    }
    const all: Record<string, string> = { ...headers, host, 'x-amz-content-sha256': payload, 'x-amz-date': time };
    const names = Object.keys(all).toSorted();
    const path = `/${bucket}${key && `/${key.split('/').map(encode).join('/')}`}`;
    const search = Object.keys(query)
      .toSorted()
      .map((name) => `${encode(name)}=${encode(query[name] ?? '')}`)
      .join('&');
    const headerLines = names.map((name) => `${name}:${all[name]?.trim().replaceAll(/ +/g, ' ')}\n`).join('');
    const canonical = [method, path, search, headerLines, names.join(';'), payload].join('\n');
    const scope = `${day}/${region}/s3/aws4_request`;
    const signature = hmac(signing.key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`).toString('hex');
    all['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    return { path: search ? `${path}?${search}` : path, headers: all };
  };
}

/** RFC 3986's unreserved characters stay; `encodeURIComponent` leaves five more. */
const encode = (part: string) =>
  encodeURIComponent(part).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
