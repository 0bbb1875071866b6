import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AppError } from '../errors.ts';
import { problemResponse } from './problem.ts';

/** The largest JSON body, in bytes: an episode's task, its 1,000 inputs and its metadata, with room. */
const JSON_BODY_BYTES_MAX = 1024 ** 2;

/** How deep objects and arrays may lie in each other: what checks them calls itself, and its stack must hold. */
export const JSON_DEPTH_MAX = 64;

/** Refuses a body of more than JSON_BODY_BYTES_MAX before it is read. */
export const jsonBodyLimit: MiddlewareHandler = bodyLimit({
  maxSize: JSON_BODY_BYTES_MAX,
  onError: (c) =>
    problemResponse(c, 'payload_too_large', {
      detail: `A body of JSON has at most ${JSON_BODY_BYTES_MAX} bytes: store large content as artifacts and name them.`,
    }),
});

/** The whole body is read and checked before any schema sees it. */
export const jsonBody: MiddlewareHandler[] = [jsonBodyLimit, requireSoundJson(true)];

/** The same where a request may do without one. */
export const jsonBodyIfAny: MiddlewareHandler[] = [jsonBodyLimit, requireSoundJson(false)];

/** Refuses bodies that are not UTF-8, not JSON, nested too deep, or that hold text which is no Unicode or a member that gets lost. */
function requireSoundJson(required: boolean): MiddlewareHandler {
  return async (c, next) => {
    const type = c.req.header('content-type');
    // Hono validates `{}` in place of a body that is not there.
    if (required && type === undefined && (await c.req.arrayBuffer()).byteLength === 0)
      throw new AppError('invalid_argument', 'The request needs a body of JSON.');
    // Another media type is refused by the route (415).
    if (isJson(type)) checkJson(new Uint8Array(await c.req.arrayBuffer()));
    await next();
  };
}

/** Whether a Content-Type is JSON's own or one of JSON's kind. */
export const isJson = (contentType = ''): boolean => /^application\/(?:[a-z.-]+\+)?json\s*(?:;|$)/i.test(contentType);

/** Throws `invalid_argument` unless the bytes are JSON in UTF-8 that the database can hold. */
export function checkJson(bytes: Uint8Array): void {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // The parser's own message quotes the body.
    throw new AppError('invalid_argument', 'The body is not JSON in UTF-8.');
  }
  checkValue(value, 1);
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new AppError('invalid_argument', 'The body holds half of a surrogate pair, which is no Unicode text.');
  if (typeof value !== 'object' || value === null) return;
  if (depth > JSON_DEPTH_MAX)
    throw new AppError('invalid_argument', `The body is nested more than ${JSON_DEPTH_MAX} levels deep.`);
  for (const [key, member] of Object.entries(value)) {
    // Zod leaves this one out of every record: what is not kept must not seem to be taken.
    if (key === '__proto__') throw new AppError('invalid_argument', 'The body has a member named __proto__.');
    checkValue(key, depth);
    checkValue(member, depth + 1);
  }
}
