/**
 * Goal: video, scene and plot of a simulation show the same moment, and a link to a moment leads there; two episodes are compared.
 * Method: a real simulation of a falling ball, written into the record, looked at in a real Chromium; with the keyboard, too.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSimulation } from '../../../src/simulation/run-simulation.ts';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { openBrowser, openWindow } from '../../support/browser.ts';
import { createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';
import { recordEpisode } from '../../support/recorded-episode.ts';
import type { RecordedStep } from '../../support/recorded-episode.ts';
import { dropBenchmark, dropScene } from '../../unit/simulation/scenes.ts';

let deployment: Deployment;
let api: ApiProcess;
let browser: Browser;
let url: string;
let simulation: RecordedStep;

beforeAll(async () => {
  deployment = await createDeployment();
  [api, browser, simulation] = await Promise.all([startApi(deployment), openBrowser(), simulate()]);
  url = api.env['OBSERVATORY_URL']!;
});
afterAll(async () => {
  await browser?.close();
  await api?.[Symbol.asyncDispose]();
  await deployment?.[Symbol.asyncDispose]();
});

const KINDS: Record<string, 'VIDEO' | 'GLB' | 'IMAGE'> = { mp4: 'VIDEO', glb: 'GLB', png: 'IMAGE' };

/** A ball that falls onto the floor, as a step with all that it made. */
async function simulate(): Promise<RecordedStep> {
  const render = { width: 160, height: 120, stills: [] };
  const { result, files } = await runSimulation({ scene: dropScene(), benchmark: dropBenchmark(), seed: 0, render });
  return {
    text: result.detail,
    kind: 'simulation',
    output: { success: result.success, detail: result.detail, time_s: result.time_s, robustness: 1 },
    files: files.map(({ path, bytes, content_type }) => ({
      path: `/renders/${path}`,
      content: bytes,
      content_type,
      kind: KINDS[path.split('.').at(-1) ?? ''] ?? 'OTHER',
      clock: path.endsWith('.mp4') ? (result.video ?? null) : null,
    })),
  };
}

async function look(path: string) {
  const page = await openWindow(await browser.newContext({ viewport: { width: 1440, height: 900 } }), url);
  const { out } = await api.run(['open']);
  await page.goto(out.trim());
  await page.getByRole('heading', { name: 'Episodes' }).waitFor();
  await page.goto(url + path);
  return page;
}

test('video, scene and plot are at the moment that the address names, and go with one another', async () => {
  const id = await recordEpisode(deployment, {
    task: 'Drop it',
    steps: [{ text: 'I drop it.' }, simulation, { text: 'It fell.' }],
  });
  const page = await look(`/episodes/${id}#step=2&t=0.10`);
  const dock = page.getByRole('region', { name: 'Simulation' });
  const moment = dock.getByLabel('Moment of the simulation');
  await dock.getByLabel('The scene in 3D').waitFor();
  const plot = dock.getByRole('img', { name: /Where ball was/ });
  await plot.waitFor();
  const at = async () => Number(await moment.inputValue());
  const video = () => page.evaluate<number>('document.querySelector("video").currentTime');
  expect(await at()).toBeCloseTo(0.1, 1);
  await page.waitForFunction(
    'document.querySelector("video").readyState >= 2 && document.querySelector("video").currentTime > 0.05',
  );
  expect(await video()).toBeCloseTo(0.1, 1);

  // A press into the plot goes to its moment: the video, the scene and the address follow.
  const pictured = async () => (await dock.getByLabel('The scene in 3D').screenshot()).toString('base64');
  const before = await pictured();
  const box = (await plot.boundingBox())!;
  await plot.locator('.u-over').click({ position: { x: box.width * 0.3, y: 20 } });
  await page.waitForURL((address) => Number(/t=([\d.]+)/.exec(address.hash)?.[1]) > 0.2);
  const sought = await at();
  await page.waitForFunction(`Math.abs(document.querySelector("video").currentTime - ${sought}) < 0.05`);
  expect(await pictured()).not.toBe(before);

  // So does a frame back by key, and a reload comes back to the same moment of the same step.
  await page.keyboard.press(',');
  await page.waitForFunction(`document.querySelector("input[type=range]").valueAsNumber < ${sought}`);
  await page.waitForURL((address) => Number(/t=([\d.]+)/.exec(address.hash)?.[1]) < sought);
  const back = await at();
  await page.reload();
  await moment.waitFor();
  expect(await at()).toBeCloseTo(back, 1);
  // Whoever goes on to another step and comes back by the chip sees the step that moved it.
  await page.keyboard.press('j');
  await page.getByRole('region', { name: 'Step 3' }).waitFor();
  await dock.getByRole('button', { name: 'step 2' }).click();
  await page.getByRole('region', { name: 'Step 2' }).waitFor();
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id: rule }) => rule),
  ).toEqual([]);
  expect(page.complaints).toEqual([]);
  await page.context().close();
});

test('two episodes are compared: the first step that differs is open, files and videos are side by side', async () => {
  const steps = [{ text: 'I drop it.' }, simulation];
  const a = await recordEpisode(deployment, { task: 'Drop it once', steps });
  const b = await recordEpisode(deployment, {
    task: 'Drop it twice',
    steps: [steps[0]!, { ...simulation, text: 'Again.' }, { text: 'More.' }],
  });
  const page = await look(`/episodes/${a}`);
  await page.getByLabel('More actions').click();
  await page.getByRole('button', { name: 'Compare with another…' }).click();
  await page.getByRole('button', { name: /Drop it twice/ }).click();
  await page.waitForURL(`**/compare?a=${a}&b=${b}`);
  await page.getByRole('heading', { name: '2 of 3 steps differ; the first is step 2' }).waitFor();
  const detail = page.getByRole('complementary', { name: 'In what they differ' });
  await detail.getByLabel('Changes of output').getByText('Again.').first().waitFor();
  await page.getByRole('rowheader', { name: 'task' }).waitFor();
  await page.getByLabel('Show those that are the same, too').check();
  await page.getByRole('row').filter({ hasText: 'I drop it.' }).first().waitFor();
  // Two videos on one clock.
  await page.getByLabel('Moment of the simulation').fill('0.3');
  await page.waitForFunction(
    '[...document.querySelectorAll("video")].length === 2 && [...document.querySelectorAll("video")].every((video) => Math.abs(video.currentTime - 0.3) < 0.05)',
  );
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id: rule }) => rule),
  ).toEqual([]);
  expect(page.complaints).toEqual([]);
  await page.context().close();
});
