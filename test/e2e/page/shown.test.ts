/**
 * Goal: whatever an agent wrote does nothing but show, everybody can use the page, and long episodes stay light.
 * Method: episodes written into the record, looked at in a real Chromium without a worker.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { openBrowser, openWindow } from '../../support/browser.ts';
import type { WatchedPage } from '../../support/browser.ts';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { recordEpisode } from '../../support/recorded-episode.ts';

let deployment: Deployment;
let api: ApiProcess;
let browser: Browser;
let url: string;

beforeAll(async () => {
  deployment = await createDeployment();
  [api, browser] = await Promise.all([startApi(deployment), openBrowser()]);
  url = api.env['OBSERVATORY_URL']!;
});
afterAll(async () => {
  await browser?.close();
  await api?.[Symbol.asyncDispose]();
  await deployment?.[Symbol.asyncDispose]();
});

async function look(path: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<WatchedPage> {
  const page = await openWindow(await browser.newContext(options), url);
  const { out } = await api.run(['open']);
  await page.goto(out.trim());
  await page.getByRole('heading', { name: 'Episodes' }).waitFor();
  await page.goto(url + path);
  return page;
}

const RIGHT_TO_LEFT = '\u202Egnp.exe';
const HOSTILE = [
  '<script>document.title = "taken"</script>',
  '<img src=x onerror="document.title=\'taken\'">',
  '<svg onload="document.title=\'taken\'"><a href="javascript:document.title=\'taken\'">x</a></svg>',
  `\u001b]0;taken\u0007\u001b[2J\u001b[31mred\u001b[0m ${RIGHT_TO_LEFT}`,
  `[click](javascript:document.title='taken') ${'x'.repeat(200_000)}`,
];

const EVIL = {
  content: `<html><script>top.document.title='taken'</script></html>`,
  content_type: 'text/html',
  path: '/evil.html',
};

test('an episode full of hostile content does nothing but show', async () => {
  let deep: unknown = 'the bottom';
  for (let level = 0; level < 60; level += 1) deep = { deeper: deep };
  const id = await recordEpisode(deployment, {
    task: HOSTILE.join('\n').slice(0, 18_000),
    steps: HOSTILE.map((text, index) => ({
      text,
      output: deep as never,
      lines: [text.slice(0, 8_000)],
      ...(index === 0 && { files: [EVIL] }),
    })),
  });
  for (const place of [
    '',
    '#view=tree',
    '#view=waterfall',
    '#step=1',
    '#step=4&tab=logs',
    '#step=1&tab=raw',
    '#step=1&tab=output',
  ]) {
    const page = await look(`/episodes/${id}${place}`);
    await page.getByRole('region', { name: 'Steps' }).getByText('1', { exact: true }).first().waitFor();
    await page.waitForLoadState('networkidle');
    expect({ place, complaints: page.complaints }).toEqual({ place, complaints: [] });
    expect(await page.title()).not.toBe('taken');
    expect(
      await page.evaluate('document.querySelectorAll("main script, main svg[onload], main img[onerror]").length'),
    ).toBe(0);
    await page.context().close();
  }
  const page = await look(`/episodes/${id}#step=1&tab=artifacts`);
  await page.getByRole('button', { name: '/evil.html' }).first().click();
  await page.getByText("<html><script>top.document.title='taken'").waitFor();
  // What would turn the order of characters around is shown as what it is.
  await page.goto(`${url}/episodes/${id}#step=4`);
  await page.locator('.unseen', { hasText: '202E' }).first().waitFor();
  await page.locator('.ansi-1', { hasText: 'red' }).first().waitFor();
  expect(page.complaints).toEqual([]);
  await page.context().close();
});

test('nothing keeps people out, in either colour scheme, on a desk and in a hand', async () => {
  const id = await recordEpisode(deployment, {
    task: 'A plain one',
    steps: [{ text: 'One.' }, { text: 'Two.', failed: true }],
  });
  for (const colorScheme of ['light', 'dark'] as const)
    for (const path of [
      '/episodes',
      `/episodes/${id}`,
      `/episodes/${id}#step=2`,
      `/episodes/${id}#view=tree&step=2`,
      `/episodes/${id}#view=waterfall`,
    ]) {
      const page = await look(path, { colorScheme, viewport: { width: 1280, height: 800 } });
      await page.waitForLoadState('networkidle');
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect({
        path,
        colorScheme,
        serious: serious.map((each) => [each.id, each.nodes.map(({ html }) => html).slice(0, 3)]),
      }).toEqual({ path, colorScheme, serious: [] });
      await page.setViewportSize({ width: 390, height: 844 });
      expect([path, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([path, true]);
      await page.context().close();
    }
});

test('ten thousand steps are there at once and take little room', async () => {
  const id = await recordEpisode(deployment, {
    task: 'A long one',
    steps: Array.from({ length: 10_000 }, (_, n) => ({ text: `Thought ${n + 1}` })),
  });
  const outline = await fetch(`${url}/v1/episodes/${id}/outline?limit=10000`, {
    headers: { authorization: `Bearer ${api.env['OBSERVATORY_API_KEY']}` },
  });
  expect((await outline.arrayBuffer()).byteLength / 10_000).toBeLessThanOrEqual(200);
  const page = await look(`/episodes/${id}`);
  await page.getByRole('article', { name: 'Step 1,' }).waitFor();
  await page.getByLabel('Find steps').fill('Thought 7777');
  await page.getByText('1 of 10,000').waitFor();
  await page.getByLabel('Find steps').fill('');
  await page.keyboard.press('Escape');
  await page.keyboard.press('G');
  await page.getByRole('article', { name: 'Step 10000,' }).waitFor();
  expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThanOrEqual(2_000);
  expect(page.complaints).toEqual([]);
  await page.context().close();
});
