import { z } from 'zod';

/** What a key may do: read everything, or also start, cancel and change. */
export const ApiKeyRole = z.enum(['reader', 'operator']);
export type ApiKeyRole = z.infer<typeof ApiKeyRole>;
