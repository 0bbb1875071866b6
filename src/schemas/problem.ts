import { z } from 'zod';

/** A problem document (RFC 9457). `instance` is the request's id; `errors` point at the offending members (RFC 6901). */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ in: z.string(), pointer: z.string(), code: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;
