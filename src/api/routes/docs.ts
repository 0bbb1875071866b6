import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';

/** The page loads nothing from elsewhere and runs nothing that is written into it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
/** An hour: the files change with a new version of ours only. */
const CACHE_CONTROL = 'public, max-age=3600';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problemologist Observatory: API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript; the same is in <a href="/openapi.json">openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#docs', deepLinking: true, docExpansion: 'list', defaultModelsExpandDepth: 0,
  tagsSorter: 'alpha', validatorUrl: null, syntaxHighlight: { activated: false },
});
`;

const SCRIPT = 'text/javascript; charset=utf-8';

/** The contract for people to read and try, at /docs, open to everyone as the contract itself is. */
export function createDocsRoutes() {
  const routes = new Hono().get('/docs', (c) => c.html(PAGE, 200, HEADERS));
  const kept = (type: string) => ({ ...HEADERS, 'content-type': type, 'cache-control': CACHE_CONTROL });
  routes.get('/docs/start.js', (c) => c.body(START, 200, kept(SCRIPT)));
  for (const [address, type] of [
    [import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'), SCRIPT],
    [import.meta.resolve('swagger-ui-dist/swagger-ui.css'), 'text/css; charset=utf-8'],
    [import.meta.resolve('swagger-ui-dist/favicon-32x32.png'), 'image/png'],
  ] as const) {
    const path = fileURLToPath(address);
    routes.get(`/docs/${basename(path)}`, async (c) => c.body(await readFile(path), 200, kept(type)));
  }
  return routes;
}
