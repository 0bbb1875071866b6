import type { z } from 'zod';
import type { Options } from './options.ts';

/** What one writes into `observatory.config.ts`: `export default defineConfig({ … })`, so that the editor knows its members. */
export const defineConfig = (options: z.input<typeof Options>): z.input<typeof Options> => options;
