import { LangfuseAPIClient, LangfuseAPIError, LangfuseMedia, uploadMedia } from '@langfuse/core';
import type { MediaContentType } from '@langfuse/core';
import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import { Media } from '../schemas/trace.ts';
import type { SendOutcome } from './delivery-state.ts';
import { outcomeOfStatus } from './langfuse-http.ts';
import type { FrozenItem } from '../schemas/trace.ts';
import { sha256Of } from '../identity.ts';

// A picture that stands for a simulation goes to Langfuse as media, which its pages show in the span. The rest are links:
// Langfuse takes no shapes (GLB, STL, STEP), and videos belong where they are.

const POSTER = /(?:^|\/)poster\.(?:png|jpe?g|webp)$/;
const PICTURES = /^image\/(?:png|jpeg|webp)$/;
/** A picture that could not be brought there so often stays a link. */
const TRIES_MAX = 20;

/** The posters among the files of a step. */
export const postersOf = (artifacts: readonly ArtifactLink[]): ArtifactLink[] =>
  artifacts.filter(
    ({ role, path, content_type }) => role === 'output' && POSTER.test(path) && PICTURES.test(content_type),
  );

/** The id that Langfuse gives to a picture: its SHA-256 (hexadecimal here) in base64url, cut. */
const mediaIdOf = (sha256: string): string => Buffer.from(sha256, 'hex').toString('base64url').slice(0, 22);

/** The text in a span that Langfuse's pages show as the picture. */
export const mediaTag = ({ sha256, content_type }: Pick<ArtifactLink, 'sha256' | 'content_type'>): string =>
  `@@@langfuseMedia:type=${content_type}|id=${mediaIdOf(sha256)}|source=bytes@@@`;

/** The outbox item that brings a picture to the span that refers to it. */
export function freezeMedia(span: { trace_id: string; span_id: string }, picture: ArtifactLink): FrozenItem {
  const { sha256, size_bytes, content_type } = picture;
  const { trace_id, span_id } = span;
  const media: Media = { trace_id, observation_id: span_id, field: 'metadata', sha256, size_bytes, content_type };
  const payload = JSON.stringify(media);
  const hash = sha256Of;
  const id = hash(`${trace_id}|${span_id}|media|${sha256}`).slice(0, 16);
  return { span_id: id, trace_id, subject: 'media', payload, payload_sha256: hash(payload) };
}

/** Media of a Langfuse server: sending is safe to repeat, since a picture is known by its hash. */
export type MediaClient = {
  /** Brings one picture there; what fails on the way may be tried again, until it was tried too often. */
  send: (item: { payload: string; attempts: number }, readObject: ReadObject) => Promise<SendOutcome>;
  /** Whether the picture was uploaded. Throws `unavailable`. */
  has: (sha256: string) => Promise<boolean>;
};

/** The bytes of an object, by their SHA-256. */
export type ReadObject = (sha256: string, size_bytes: number) => Promise<Uint8Array>;

/** Opens the client, which is Langfuse's own; nothing is asked before the first call. */
export function createMediaClient(access: {
  base_url: string;
  public_key: string;
  secret_key: string;
  request_ms: number;
}): MediaClient {
  const apiClient = new LangfuseAPIClient({
    environment: '',
    baseUrl: access.base_url.replace(/\/+$/, ''),
    username: access.public_key,
    password: access.secret_key,
  });
  const options = { timeoutInSeconds: access.request_ms / 1000, maxRetries: 0 };
  return {
    async send({ payload, attempts }, readObject) {
      try {
        const {
          trace_id: traceId,
          observation_id: observationId,
          field,
          ...picture
        } = Media.parse(JSON.parse(payload));
        const contentBytes = await readObject(picture.sha256, picture.size_bytes);
        // Guarded by PICTURES where it was frozen.
        const contentType = picture.content_type as MediaContentType;
        const media = new LangfuseMedia({ source: 'bytes', contentBytes: Buffer.from(contentBytes), contentType });
        await uploadMedia({ apiClient, media, traceId, observationId, field, maxRetries: 0 });
        return { kind: 'accepted' };
      } catch (thrown) {
        return outcomeOf(thrown, attempts);
      }
    },
    async has(sha256) {
      try {
        await apiClient.media.get(mediaIdOf(sha256), options);
        return true;
      } catch (cause) {
        if (cause instanceof LangfuseAPIError && cause.statusCode === 404) return false;
        throw new AppError('unavailable', 'Langfuse does not answer about media', { cause });
      }
    },
  };
}

function outcomeOf(thrown: unknown, attempts: number): SendOutcome {
  const status = thrown instanceof LangfuseAPIError ? thrown.statusCode : undefined;
  const error = AppError.from(thrown).message.slice(0, 300);
  // Older servers have no media: then the link in the span has to do.
  if (status === 404 || status === 405) return { kind: 'refused', error: 'this Langfuse takes no media' };
  if (attempts >= TRIES_MAX) return { kind: 'refused', error };
  const outcome = status === undefined ? undefined : outcomeOfStatus(status, error);
  return outcome === undefined || outcome.kind === 'ambiguous' ? { kind: 'not_sent', error } : outcome;
}
