import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser of CHROME_PATH, else the first Chromium on the path. Throws what to install where there is none. */
function findBrowser(): string {
  const named = process.env['CHROME_PATH'];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = named ?? folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
  if (found !== undefined && isProgram(found)) return found;
  throw new Error(
    named === undefined
      ? 'The page is tested in a real Chromium, and none is on the path: `apt install chromium`, or set CHROME_PATH to one.'
      : `CHROME_PATH is ${named}, which is no program that can be run.`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Chromium of the test's own; dispose it. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findBrowser(), args: FLAGS });
}

/** A browser's window with what the page must never do: errors, requests elsewhere, breaches of its policy. */
export type WatchedPage = Page & { complaints: string[] };

/** A new window of somebody who has not signed in, watched. */
export async function openWindow(context: BrowserContext, url: string): Promise<WatchedPage> {
  const page = Object.assign(await context.newPage(), { complaints: [] as string[] });
  const complain = (text: string) => void page.complaints.push(text);
  page.on('pageerror', (error) => complain(`error: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    complain(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const address = request.url();
    if (!address.startsWith(url) && !/^(?:data|blob):/.test(address)) complain(`asks ${address}`);
  });
  page.on('console', (message) => {
    // A refused request is part of some tests; a refused script is not.
    if (/Content Security Policy|Refused to|violates/i.test(message.text())) complain(`policy: ${message.text()}`);
  });
  return page;
}
