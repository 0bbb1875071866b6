import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { Options } from './options.ts';

/** Where the configuration lies unless OBSERVATORY_CONFIG names another file. */
const CONFIG_FILE = 'observatory.config.ts';

/** The absolute path of the configuration's file: the named one, else the one in the folder where the process was started, if it is there. */
export function findConfigFile(named: string | undefined, folder = process.cwd()): string | undefined {
  if (named !== undefined) return resolve(folder, named);
  const path = resolve(folder, CONFIG_FILE);
  return existsSync(path) ? path : undefined;
}

/** What the file holds; nothing where there is none. Throws `invalid_argument` that names every member which is wrong. */
export function readConfigFile(path: string | undefined): Options {
  if (path === undefined) return {};
  const refuse = (why: string, cause?: unknown) =>
    new AppError('invalid_argument', `Configuration: ${basename(path)}: ${why}`, cause === undefined ? {} : { cause });
  let loaded: unknown;
  try {
    // Read at once like the variables: nothing starts before it is known.
    loaded = createRequire(import.meta.url)(path);
  } catch (error) {
    throw refuse(`cannot be loaded: ${error instanceof Error ? error.message : String(error)}.`, error);
  }
  const options = (loaded as { default?: unknown }).default;
  if (options === undefined) throw refuse('has no default export: write `export default defineConfig({ … })`.');
  const parsed = Options.safeParse(options);
  if (parsed.success) return parsed.data;
  throw refuse(
    `${parsed.error.issues.map(({ path: place, message }) => `${place.join('.')}: ${message}`).join('; ')}.`,
  );
}
