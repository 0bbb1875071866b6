// A replay under a debugger: it waits for one, stops when the workflow code is loaded, stops at a breakpoint in a `.ts` file,
// and tells where it is. The debugger is a client of the protocol that Chrome and VS Code speak.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { HISTORIES, TEST_HOME } from './histories.ts';

const SOURCE = join(import.meta.dirname, '../../src');

test('a breakpoint in a workflow’s source stops the replay there', async () => {
  const args = [join(SOURCE, 'cli/main.ts'), 'replay', '--file', join(HISTORIES, 'rejected.json'), '--inspect', '0'];
  const env = { PATH: process.env['PATH'], OBSERVATORY_HOME: TEST_HOME };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const told: string[] = [];
  const listening = Promise.withResolvers<string>();
  createInterface(child.stderr).on('line', (line) => {
    told.push(line);
    const [address] = /ws:\/\/\S+/.exec(line) ?? [];
    if (address) listening.resolve(address);
  });
  let answer = '';
  child.stdout.on('data', (text) => (answer += String(text)));
  const closed = once(child, 'close'); // its output has been read then
  try {
    const debug = await attach(await listening.promise);
    await debug.send('Debugger.enable');
    await debug.send('Runtime.runIfWaitingForDebugger');
    await debug.stopped();
    const bundle = debug.scripts.find(({ url }) => /workflows-\w+\.js$/.test(url));
    const source = await readFile(join(SOURCE, 'workflows/calls.ts'), 'utf8');
    const line = source.split('\n').findIndex((text) => text.includes('const batches = inBatches('));
    const place = placeInBundle(bundle?.sourceMapURL ?? '', { file: 'workflows/calls.ts', line });
    await debug.send('Debugger.setBreakpointByUrl', { url: bundle?.url, ...place });
    await debug.send('Debugger.resume');
    const { callFrames } = await debug.stopped();
    expect(callFrames[0]).toMatchObject({ functionName: 'runCalls', location: { lineNumber: place.lineNumber } });
    debug.close();
    expect(await closed).toEqual([0, null]);
    expect(told.join('\n')).toMatch(/event +\d+ {2}superstep +1 {2}step +1 {2}advance/);
    expect(answer).toContain('deterministic: 11/11 workflow tasks');
  } finally {
    child.kill('SIGKILL');
  }
}, 60_000);

type Message = { id?: number; method?: string; params?: unknown; result?: unknown };
type Script = { url: string; sourceMapURL: string };
type Stop = { callFrames: { functionName: string; location: { lineNumber: number } }[] };

/** A debugger: it sends commands, knows the scripts that were loaded, and waits for the next stop. */
async function attach(address: string) {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const waiting = new Map<number, (result: unknown) => void>();
  const scripts: Script[] = [];
  const stops: Stop[] = [];
  let wake = () => {};
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message.result);
    if (message.method === 'Debugger.scriptParsed') scripts.push(message.params as Script);
    if (message.method === 'Debugger.paused') stops.push(message.params as Stop);
    wake();
  });
  let id = 0;
  return {
    scripts,
    send: (method: string, params: object = {}) =>
      new Promise<unknown>((resolve) => {
        id += 1;
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ id, method, params }));
      }),
    async stopped(): Promise<Stop> {
      for (;;) {
        const stop = stops.shift();
        if (stop) return stop;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close: () => socket.close(),
  };
}

/** Where a line of a source, counted from 0, lies in the bundle, as its source map says. */
function placeInBundle(url: string, { file, line }: { file: string; line: number }) {
  const text = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64').toString('utf8');
  const payload = JSON.parse(text) as SourceMapPayload;
  const map = new SourceMap(payload);
  for (const [lineNumber, segments] of payload.mappings.split(';').entries()) {
    if (segments === '') continue;
    for (let columnNumber = 0; columnNumber < 80; columnNumber += 1) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if ('originalSource' in entry && entry.originalSource.endsWith(file) && entry.originalLine === line)
        return { lineNumber, columnNumber };
    }
  }
  throw new Error(`the bundle has no line ${line} of ${file}`);
}
