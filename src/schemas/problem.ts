import { z } from 'zod';

/** A member of a request that was refused: `pointer` is a JSON pointer (RFC 6901) within the part of it that `in` names. */
export const MemberError = z.object({ in: z.string(), pointer: z.string(), code: z.string(), message: z.string() });
export type MemberError = z.infer<typeof MemberError>;

/** A problem document (RFC 9457). `instance` is the request's id; `errors` point at the offending members. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(MemberError).optional(),
});
export type Problem = z.infer<typeof Problem>;
