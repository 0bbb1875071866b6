#!/usr/bin/env node
/** The command line on the Node that npm installed, whatever the machine's own is; signals and the exit code pass through. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const installed = resolve(root, 'node_modules/.bin/node');
const node = existsSync(installed) ? installed : process.execPath;
const args = process.argv.slice(2);
// As src/runtime/worker-process.ts has it, which an older Node cannot read.
const [flags, own] = args[0] === 'worker' ? [['--max-semi-space-size=16'], { MALLOC_ARENA_MAX: '2' }] : [[], {}];
const child = spawn(node, [...flags, resolve(root, 'src/cli/main.ts'), ...args], {
  env: { ...own, ...process.env },
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
