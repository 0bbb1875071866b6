#!/usr/bin/env node
/** The command line on the Node that npm installed, whatever the machine's own is; signals and the exit code pass through. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const installed = resolve(root, 'node_modules/.bin/node');
const node = existsSync(installed) ? installed : process.execPath;
const child = spawn(node, [resolve(root, 'src/cli/main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
