/**
 * Goal: a person starts an episode on the page, watches it, answers and approves, and another sees it happen.
 * Method: a real Chromium on the real API, worker and servers; what the page says is then looked up in the record.
 */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi } from '../../support/api-process.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { openBrowser, openWindow } from '../../support/browser.ts';
import { APPROVAL, call, createDeployment } from '../../support/deployment.ts';
import type { Deployment } from '../../support/deployment.ts';

let deployment: Deployment;
let api: ApiProcess;
let browser: Browser;
let url: string;

beforeAll(async () => {
  deployment = await createDeployment();
  [api, browser] = await Promise.all([startApi(deployment), openBrowser(), deployment.startWorker()]);
  url = api.env['OBSERVATORY_URL']!;
});
afterAll(async () => {
  await browser?.close();
  await api?.[Symbol.asyncDispose]();
  await deployment?.[Symbol.asyncDispose]();
});

const ada = async (context: BrowserContext) => {
  const page = await openWindow(context, url);
  const { out } = await api.run(['open']);
  await page.goto(out.trim());
  await page.getByRole('heading', { name: 'Episodes' }).waitFor();
  return page;
};

const bob = async (context: BrowserContext, path: string) => {
  const page = await openWindow(context, url);
  await page.goto(url + path);
  await page.getByLabel('API key').fill(api.env['OBSERVATORY_API_KEY']!);
  await page.getByLabel('Your name').fill('Bob');
  await page.getByRole('button', { name: 'Sign in' }).click();
  return page;
};

const SCRIPT = {
  lines: {
    engineer: [
      {
        text: 'Which servo is at hand?',
        calls: [call('ask_person', { question: 'Which servo?', choices: ['DS3218'] })],
      },
      { text: 'I look around.', calls: [call('execute_command', { command: 'echo looked-around' })] },
      ...APPROVAL,
    ],
  },
};

test('an episode is started, answered, approved and watched to its end, by two people at once', async () => {
  const [first, second] = [await browser.newContext(), await browser.newContext()];
  const page = await ada(first);
  // The token is good for one use, and in no history.
  expect(page.url()).toBe(`${url}/episodes`);
  expect(await page.evaluate('document.cookie')).toBe('');

  await page.getByRole('button', { name: 'Start an episode' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Task').fill('Find out what is at hand');
  await form.getByLabel('Agent').selectOption('single_engineer');
  await form.getByLabel('Model').fill('scripted:transcript');
  const buffer = Buffer.from(JSON.stringify(SCRIPT));
  await form
    .getByLabel('Files for the workspace')
    .setInputFiles({ name: 'transcript.json', mimeType: 'application/json', buffer });
  await form.getByText('Budgets, seed and tags').click();
  await form.getByLabel('Tools to approve').selectOption('execute_command');
  await form.getByRole('button', { name: 'Start', exact: true }).click();

  await page.getByText('Waits for a person').waitFor();
  await page.getByRole('article', { name: 'Step 2' }).getByText('Which servo?').waitFor();
  const other = await bob(second, new URL(page.url()).pathname);
  await other.getByRole('button', { name: 'DS3218' }).click();
  await other.getByRole('button', { name: 'Answer' }).click();

  // What Bob said is there for Ada, by his name, and what is to be approved is shown word for word.
  await page.getByText('by Bob (Ada)').waitFor();
  const approval = page.getByRole('article', { name: /approval/ });
  await approval.getByText('echo looked-around').waitFor();
  await approval.getByRole('button', { name: 'Approve' }).click();
  for (const each of [page, other]) {
    await each.getByText('The reviewers approved the work.').waitFor();
    await each.getByText('exit code 0').waitFor();
    expect(each.complaints).toEqual([]);
  }
  const id = new URL(page.url()).pathname.split('/').at(-1)!;
  const { rows } = await deployment.database.pool.query(
    "select seq, output from steps where episode_id = $1 and kind = 'human' order by seq",
    [id],
  );
  expect(rows).toMatchObject([
    { output: { content: 'DS3218', result: { author: 'Bob (Ada)' } } },
    { output: { result: { author: 'Ada' } } },
  ]);
  await Promise.all([first.close(), second.close()]);
});

test('a deep link shows the same after a reload, keys lead through it, and a fork goes on from there', async () => {
  const episode = await deployment.play([
    { text: 'I try.', calls: [call('execute_command', { command: 'echo oh no >&2; exit 3' })] },
    { text: 'I write.', calls: [call('write_file', { path: '/a.txt', content: 'one\ntwo\n' })] },
  ]);
  const context = await browser.newContext();
  const page = await ada(context);
  await page.goto(`${url}/episodes/${episode.id}#step=4&tab=artifacts`);
  await page.getByText('The reviewers approved the work.').waitFor();
  const heading = page.getByRole('region', { name: 'Step 4' }).getByRole('heading', { name: /write_file/ });
  await heading.waitFor();
  await page.reload();
  await heading.waitFor();
  expect(page.url()).toContain('#step=4&tab=artifacts');
  await page.locator('.changes').getByRole('button', { name: '/a.txt' }).click();
  await page.getByLabel('Changes of /a.txt').getByText('+ two').waitFor();

  // With the keyboard alone: to the failed command, its log, and away again.
  await page.keyboard.press('p');
  await page.keyboard.press('5');
  await page.getByRole('region', { name: 'Step 2' }).getByText('oh no', { exact: true }).waitFor();
  expect(page.url()).toContain('#step=2&tab=logs');
  await page.keyboard.press('j');
  await page.getByRole('region', { name: 'Step 3' }).waitFor();
  await page.keyboard.press('Escape');
  expect(await page.getByRole('region', { name: 'Step 3' }).count()).toBe(0);

  await page.getByRole('button', { name: 'Fork' }).click();
  await page.getByLabel('After step').fill('2');
  await page.getByRole('dialog').getByRole('button', { name: 'Fork' }).click();
  await page.getByRole('link', { name: 'forked after step 2' }).waitFor();
  await page.getByText('The reviewers approved the work.').waitFor();

  await page.goto(`${url}/r/trace/${episode.trace_id}`);
  await page.waitForURL(`**/episodes/${episode.id}`);
  await page.goto(`${url}/r/workflow/${episode.workflow_id}/some-run`);
  await page.waitForURL(`**/episodes/${episode.id}`);
  expect(page.complaints).toEqual([]);
  await context.close();
});
