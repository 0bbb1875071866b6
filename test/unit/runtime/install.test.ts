/**
 * Goal: bin/install.mjs installs exactly when node_modules differs from the lockfile.
 * Method: a project of its own and no npm on PATH, so that an attempt to install cannot succeed unseen.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const INSTALL = fileURLToPath(new URL('../../../bin/install.mjs', import.meta.url));
const WANTED = {
  '': { name: 'project' },
  'node_modules/hono': { version: '4.0.0', integrity: 'sha512-a' },
  'node_modules/fsevents': { version: '2.0.0', integrity: 'sha512-b', optional: true },
};

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'install-'));
  mkdirSync(join(project, 'bin'));
  copyFileSync(INSTALL, join(project, 'bin', 'install.mjs'));
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify({ packages: WANTED }));
});
afterEach(() => rmSync(project, { recursive: true }));

function installWith(installed?: object) {
  if (installed !== undefined) {
    mkdirSync(join(project, 'node_modules/.bin'), { recursive: true });
    // What an installation brings: a Node, on which the page is built.
    symlinkSync(process.execPath, join(project, 'node_modules/.bin/node'));
    writeFileSync(join(project, 'bin', 'page.mjs'), '');
    writeFileSync(join(project, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  }
  const { status, stdout } = spawnSync(process.execPath, [join(project, 'bin', 'install.mjs')], {
    env: { PATH: '' },
    encoding: 'utf8',
  });
  return { status, stdout };
}

test('does nothing when everything that is wanted is there', () => {
  expect(installWith(WANTED)).toEqual({ status: 0, stdout: '' });
});

test('does not miss optional packages of other platforms, nor mind what else is there', () => {
  const { 'node_modules/hono': hono } = WANTED;
  expect(installWith({ 'node_modules/hono': hono, 'node_modules/other': { version: '1.0.0' } }).status).toBe(0);
});

test.each([
  ['nothing is installed yet', undefined],
  ['node_modules/hono is missing', {}],
  ['node_modules/hono is 3.0.0, not 4.0.0', { 'node_modules/hono': { version: '3.0.0', integrity: 'sha512-a' } }],
])('installs when %s', (reason, installed) => {
  const { status, stdout } = installWith(installed);
  expect(stdout).toContain(reason);
  expect(status).not.toBe(0);
});
