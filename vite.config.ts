import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';
import { PAGE_POLICY } from './src/api/page-policy.ts';

/** Below this many bytes packing saves nothing. */
const PACKED_BYTES_MIN = 1_024;

/** The page: one folder of files that the API serves, and that any static server can serve beside an episode's bundle. */
export default defineConfig({
  root: 'src/web',
  // Relative addresses: the same build is opened from any folder.
  base: './',
  plugins: [react(), policy(), packed()],
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    // Everything is a file of its own, so that the policy needs no exception.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
  },
});

/** The page's policy in the page itself: where a static server sends no headers it holds as well. */
function policy(): Plugin {
  return {
    name: 'page-policy',
    transformIndexHtml: {
      order: 'post',
      handler: () => [
        {
          tag: 'meta',
          attrs: { 'http-equiv': 'Content-Security-Policy', content: PAGE_POLICY },
          injectTo: 'head-prepend',
        },
      ],
    },
  };
}

/** Every script and style also packed, so that serving it costs nothing. Read as they were written: Vite changes them last. */
function packed(): Plugin {
  return {
    name: 'packed',
    writeBundle({ dir = '' }, bundle) {
      for (const fileName of Object.keys(bundle).filter((name) => name.startsWith('assets/'))) {
        const source = readFileSync(join(dir, fileName));
        if (source.length >= PACKED_BYTES_MIN)
          writeFileSync(join(dir, `${fileName}.gz`), gzipSync(source, { level: 9 }));
      }
    },
  };
}
