/**
 * Goal: an episode that was taken away is looked at with the same page, with nothing behind it.
 * Method: the built page and a bundle of the real API in a folder that a plain file server serves; a real Chromium that can
 * reach nothing else.
 */
import { createReadStream } from 'node:fs';
import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../../support/api-process.ts';
import { openBrowser, openWindow } from '../../support/browser.ts';
import { createDeployment } from '../../support/deployment.ts';
import { recordEpisode } from '../../support/recorded-episode.ts';

let browser: Browser;
let folder: string;
let server: Server;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'observatory-bundle-'));
  await cp(join(import.meta.dirname, '../../../dist/page'), folder, { recursive: true });
  const bytes = await bundleOfEpisode();
  await writeFile(join(folder, 'episode.zip'), bytes);
  await writeFile(join(folder, 'cut.zip'), bytes.subarray(0, bytes.length - 200));
  server = createServer((request, response) => void serve(request.url ?? '/', response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  if (folder) await rm(folder, { recursive: true });
});

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** As any server of static files: no header but the type, no ranges, no addresses of its own. */
async function serve(address: string, response: ServerResponse): Promise<void> {
  const path = join(folder, normalize(new URL(address, 'http://x').pathname));
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
  createReadStream(path).pipe(response);
}

/** The bundle of a recorded episode; the deployment that it came from is gone when this returns. */
async function bundleOfEpisode(): Promise<Buffer> {
  await using deployment = await createDeployment();
  await using api = await startApi(deployment);
  const id = await recordEpisode(deployment, {
    task: 'Taken away',
    steps: [
      {
        text: 'One thought.',
        lines: ['said aloud'],
        files: [{ content: '<b>not bold</b>', content_type: 'text/html', path: '/page.html' }],
      },
      { text: 'It broke.', failed: true },
    ],
  });
  const answer = await fetch(`${api.env['OBSERVATORY_URL']}/v1/episodes/${id}/bundle`, {
    headers: { authorization: `Bearer ${api.env['OBSERVATORY_API_KEY']}` },
  });
  return Buffer.from(await answer.arrayBuffer());
}

test('a bundle opens from a server of plain files: steps, logs and files, by links that hold', async () => {
  const page = await openWindow(await browser.newContext(), url);
  await page.goto(`${url}/index.html?bundle=episode.zip`);
  await page.getByRole('heading', { name: 'Taken away' }).waitFor();
  await page.getByText('a bundle, opened without a server').waitFor();
  // What needs a server is not offered.
  expect(await page.getByRole('button', { name: 'Fork' }).count()).toBe(0);
  await page.getByText('One thought.').first().click();
  await page.keyboard.press('5');
  await page.getByRole('region', { name: 'Step 1' }).getByText('said aloud').waitFor();
  expect(page.url()).toContain('?bundle=episode.zip#/episodes/');
  expect(page.url()).toContain('#step=1&tab=logs');
  await page.reload();
  await page.getByRole('region', { name: 'Step 1' }).getByText('said aloud').waitFor();
  await page.keyboard.press('4');
  await page.getByRole('button', { name: '/page.html' }).first().click();
  await page.getByText('<b>not bold</b>').waitFor();
  await page.keyboard.press('n');
  await page.getByRole('region', { name: 'Step 2' }).waitFor();
  expect(page.complaints).toEqual([]);
});

test('a bundle that is not whole, or not there, is said to be so', async () => {
  const page = await openWindow(await browser.newContext(), url);
  await page.goto(`${url}/index.html?bundle=cut.zip`);
  await page.getByText('It is no bundle, or its end is missing.').waitFor();
  await page.goto(`${url}/index.html?bundle=none.zip`);
  await page.getByText('There is no bundle at').waitFor();
  expect(page.complaints).toEqual([]);
});
