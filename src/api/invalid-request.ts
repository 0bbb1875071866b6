import type { Context } from 'hono';
import type { ZodError } from 'zod';
import type { MemberError } from './problem.ts';
import { problemResponse } from './problem.ts';

/** Members that a problem names; a request with more mistakes is told of the first. */
const MEMBER_ERRORS_MAX = 20;
/** A pointer repeats names out of the request, which may be long. In UTF-16 units. */
const POINTER_CHARS_MAX = 200;

/** Where a validated part of a request came from, in OpenAPI's words. */
const PLACES: Record<string, string> = { json: 'body', param: 'path' };

/** The answer to a request whose parts do not match the route's schemas: 400, with a pointer to each member at fault. */
export function refuseInvalid(
  result: { success: true } | { success: false; target: string; error: ZodError },
  c: Context,
): Response | undefined {
  if (result.success) return undefined;
  const place = PLACES[result.target] ?? result.target;
  const errors = result.error.issues.slice(0, MEMBER_ERRORS_MAX).map((issue): MemberError => ({
    in: place,
    pointer: pointerTo(issue.path),
    code: issue.code ?? 'invalid',
    // Zod names unknown members in its message; a request's own words are not repeated.
    message: issue.code === 'unrecognized_keys' ? 'has a member that is not known here' : issue.message,
  }));
  return problemResponse(c, 'invalid_argument', {
    detail: 'Some members of the request do not match their schema.',
    errors,
  });
}

/** A JSON pointer (RFC 6901) to the member at this path. */
function pointerTo(path: PropertyKey[]): string {
  const pointer = path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return pointer.slice(0, POINTER_CHARS_MAX).toWellFormed();
}
