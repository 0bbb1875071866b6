import { AppError } from '../errors.ts';
import { defaultHome, loadConfig } from '../config/config.ts';
import type { Config, Environment } from '../config/config.ts';
import { findRunningStack } from './stack/state.ts';

/** Where the API is and the key for it. */
export type Connection = { url: string; key: string };

/**
 * The API that commands speak to: that of OBSERVATORY_URL and OBSERVATORY_API_KEY, else that of the running stack. Throws
 * `failed_precondition` that says how to get one.
 */
export function findConnection(env: Environment): Connection {
  const url = env['OBSERVATORY_URL'];
  const key = env['OBSERVATORY_API_KEY'];
  if (url && key) return { url: url.replace(/\/+$/, ''), key };
  if (url)
    throw new AppError('failed_precondition', 'OBSERVATORY_URL is set without OBSERVATORY_API_KEY: set both or none.');
  const home = defaultHome(env);
  const stack = findRunningStack(home);
  const stackKey = stack?.env['OBSERVATORY_API_KEY'];
  if (stack && stackKey) return { url: stack.addresses.api, key: stackKey };
  throw new AppError(
    'failed_precondition',
    `No stack is running in ${home}. Start one with \`npm start\`, or set OBSERVATORY_URL and OBSERVATORY_API_KEY to use another.`,
  );
}

/**
 * The configuration of the deployment that commands work on without its API: that of the environment where that names a
 * database or an object store, else that of the running stack; never some of both. Throws `failed_precondition` that names
 * what is missing.
 */
export function findDeployment(env: Environment): Config {
  if (env['DATABASE_URL'] !== undefined || env['S3_ENDPOINT'] !== undefined) return loadConfig(env);
  const stack = findRunningStack(defaultHome(env));
  return loadConfig(stack ? { ...env, ...stack.env } : env);
}
