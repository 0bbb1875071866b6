import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { AppError } from '../../errors.ts';
import { PAGE_POLICY } from '../page-policy.ts';

/** Where `bin/page.mjs` builds it. */
const BUILT = fileURLToPath(new URL('../../../dist/page/', import.meta.url));
/** Addresses at which the page shows something; it finds out what by itself. */
const SHOWN_AT = [
  '/',
  '/sign-in',
  '/episodes',
  '/episodes/:id',
  '/compare',
  '/artifacts/:sha256',
  '/operations',
  '/r/*',
];
const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const HEADERS = {
  'content-security-policy': `${PAGE_POLICY}; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};
/** The name of an asset holds the hash of its content. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** The page for people, open to everyone as it holds nothing: what it shows it asks for with the session of whoever looks. */
export function createPageRoutes() {
  const routes = new Hono();
  for (const path of SHOWN_AT)
    routes.get(path, async (c) => {
      const html = await readBuilt('index.html');
      if (!html)
        throw new AppError('unavailable', 'The page is not built: run `npm run build`, or start with `npm start`.');
      // Built to be opened from any folder; here it is served at every depth of the address.
      return c.body(html.toString('utf8').replaceAll('"./', '"/'), 200, {
        ...HEADERS,
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
      });
    });
  routes.get('/assets/:name', (c) => asset(c));
  return routes;
}

async function asset(c: Context): Promise<Response> {
  const name = c.req.param('name') ?? '';
  const type = TYPES[extname(name)];
  if (!/^[\w.-]+$/.test(name) || type === undefined) return c.notFound();
  const head = { ...HEADERS, 'content-type': type, 'cache-control': IMMUTABLE, vary: 'accept-encoding' };
  const packed = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '') && (await readBuilt(`assets/${name}.gz`));
  if (packed) return c.body(packed, 200, { ...head, 'content-encoding': 'gzip' });
  const plain = await readBuilt(`assets/${name}`);
  return plain ? c.body(plain, 200, head) : c.notFound();
}

/** A file of the build, or undefined where there is none. */
async function readBuilt(name: string): Promise<Buffer<ArrayBuffer> | undefined> {
  return readFile(join(BUILT, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
