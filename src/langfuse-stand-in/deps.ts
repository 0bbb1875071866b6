import type { Context } from 'hono';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { CollectorEnv } from './faults.ts';
import type { IngestionMode } from './ingestion-events.ts';
import type { Addition, CollectorStore } from './store.ts';

/** The key pair of the collector's one project. */
export type CollectorKeys = { readonly public_key: string; readonly secret_key: string };

/** What the collector's routes need. */
export type CollectorDeps = {
  readonly store: CollectorStore;
  readonly keys: CollectorKeys;
  readonly mode: IngestionMode;
  readonly now: () => Date;
};

/** The one project, as ids and links name it. */
export const PROJECT_ID = 'observatory';

/** Keeps what a request brought, unless a fault says otherwise; reads see it `lag_ms` later. */
export async function keep(
  c: Context<CollectorEnv>,
  { store, now }: CollectorDeps,
  { lag_ms = 0, ...rows }: Pick<Addition, 'observations' | 'traces' | 'scores'> & { lag_ms?: number },
): Promise<void> {
  const { stored, delay_ms } = c.get('fate');
  if (!stored) return;
  const received_at = now();
  const visible_at = new Date(received_at.getTime() + Math.max(delay_ms, lag_ms));
  await store.append({ ...rows, received_at, visible_at });
}

/** The value as the schema has it. Throws `invalid_argument` that says what is wrong with it. */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (!result.success) throw new AppError('invalid_argument', `Invalid request data: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** A request's JSON body. Throws `invalid_argument` for what is none. */
export async function jsonBody(c: Context): Promise<unknown> {
  try {
    return await c.req.json<unknown>();
  } catch (error) {
    throw new AppError('invalid_argument', 'The body is not JSON.', { cause: error });
  }
}

/** A place in a list, opaque to clients. */
export function encodeCursor(place: object): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The place that `encodeCursor` wrote down. Throws `invalid_argument` for anything else. */
export function decodeCursor<T extends z.ZodType>(schema: T, cursor: string): z.infer<T> {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    throw new AppError('invalid_argument', 'Invalid cursor', { cause: error });
  }
  return parsed(schema, place);
}

/** A list in one query value. */
export const commaList = z.string().transform((text) => text.split(',').map((entry) => entry.trim()));
