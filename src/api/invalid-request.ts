import type { Context } from 'hono';
import type { ZodError } from 'zod';
import type { MemberError } from '../schemas/problem.ts';
import { problemResponse } from './problem.ts';

/** Members that a problem names; of more mistakes the first are named. */
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
  return problemResponse(c, 'invalid_argument', {
    detail: 'Some members of the request do not match their schema.',
    errors: memberErrors(place, result.error.issues),
  });
}

/** The first of zod's issues as a problem names them; `at` is where in that part of the request the checked value is. */
export function memberErrors(
  place: string,
  issues: ZodError['issues'],
  { at = [] }: { at?: PropertyKey[] } = {},
): MemberError[] {
  const errors = issues.flatMap((issue): MemberError[] => {
    const path = [...at, ...issue.path];
    const error = { in: place, pointer: pointerTo(path), code: issue.code, message: issue.message };
    if (issue.code !== 'unrecognized_keys') return [error];
    // Zod names them in its message: a request's own words are in the pointer alone, which is bounded.
    return issue.keys.map((key) => ({ ...error, pointer: pointerTo([...path, key]), message: 'is not known here' }));
  });
  return errors.slice(0, MEMBER_ERRORS_MAX);
}

/** A JSON pointer (RFC 6901) to the member at this path. */
function pointerTo(path: PropertyKey[]): string {
  const pointer = path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return pointer.slice(0, POINTER_CHARS_MAX).toWellFormed();
}
