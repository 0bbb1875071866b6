// Hostile commands in the real sandbox. Each must end by itself or be ended, with a result that says what happened.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox } from '../../../../src/agents/tools/sandbox.ts';
import type { CommandOptions, SandboxMode } from '../../../../src/agents/tools/sandbox.ts';
import { findSandboxMode } from '../../../../src/runtime/sandbox-mode.ts';

const TIMEOUT_MS = 60_000;
const OUTPUT_KEPT_CHARS = 100_000;
const ENDED = { exit_code: 0, signal: null, timed_out: false, exceeded: null };
/** A second in which nothing else on this machine sleeps, so that a process can be told by it. */
const marker = () => `${90_000 + Math.floor(Math.random() * 9_000)}.${process.pid}`;

let mode: SandboxMode;
let outside: string;
let dir: string;

beforeAll(async () => {
  mode = await findSandboxMode('bubblewrap');
});
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  await chmod(outside, 0o755); // nobody must be able to come as far as the workspace
  dir = join(outside, 'workspace');
  await mkdir(dir);
  await writeFile(join(outside, 'secret.txt'), 'the other episode');
});
afterEach(() => rm(outside, { recursive: true }));

async function run(command: string, options: Partial<CommandOptions> = {}) {
  let output = '';
  const end = await createSandbox(mode, process.execPath).run(command, {
    dir,
    timeout_ms: TIMEOUT_MS,
    signal: new AbortController().signal,
    onOutput: (_stream, text) => {
      if (output.length < OUTPUT_KEPT_CHARS) output += text;
    },
    ...options,
  });
  return { end, output };
}

/** Processes of this machine whose command line holds a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
    } catch {
      return false; // it has ended
    }
  });
}

describe('the sandbox', { timeout: TIMEOUT_MS }, () => {
  it('is there: without bubblewrap these tests would show nothing', () => {
    expect(mode).toMatchObject({ kind: 'bubblewrap' });
  });

  it('runs node, which compiles WebAssembly and writes files that are kept', async () => {
    const script =
      'new WebAssembly.Memory({ initial: 16, maximum: 65536 }); require("fs").writeFileSync("made", "yes")';
    expect(await run(`node -e '${script}' && cat made`)).toEqual({ end: ENDED, output: 'yes' });
    expect(await readFile(join(dir, 'made'), 'utf8')).toBe('yes');
  });

  it('shows a command none of the worker’s environment and no file outside its workspace', async () => {
    process.env['SANDBOX_TEST_SECRET'] = 'hunter22';
    try {
      const { output } = await run(
        `env; cat /proc/*/environ; cat ../secret.txt '${outside}/secret.txt' /etc/passwd; ls -d /root /home /work /var '${outside}'`,
      );
      expect(output).not.toMatch(/hunter22|the other episode|root:x:0/);
      expect(output.match(/No such file or directory/g)?.length).toBeGreaterThanOrEqual(6);
    } finally {
      delete process.env['SANDBOX_TEST_SECRET'];
    }
  });

  it('does not follow a symbolic link out of the workspace', async () => {
    const { output } = await run(`ln -s '${outside}' out; ln -s / root; cat out/secret.txt; ls root`);
    expect(output).toContain('No such file or directory');
    expect(output).not.toContain('the other episode');
  });

  it('lets nothing but the workspace and its own /tmp be written, the kernel’s settings least of all', async () => {
    const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
    const places = '/x /usr/x /proc/sys/kernel/core_pattern /proc/self/oom_score_adj /dev/x';
    const { output } = await run(
      `for f in ${places}; do (echo '|/bin/sh' > $f) && echo "wrote $f"; done; echo t > /tmp/t`,
    );
    expect(output).not.toContain('wrote');
    expect(await readFile('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
  });

  it('has no network', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const { output } = await run(
      `node -e 'require("net").connect(${port}, "127.0.0.1").on("error", (e) => console.log(e.code))'`,
    );
    server.close();
    expect(output).toBe('ECONNREFUSED\n');
    expect(connections).toBe(0);
  });

  it('cannot make namespaces of its own', async () => {
    expect((await run('unshare --user true')).end.exit_code).not.toBe(0);
  });

  it('survives a fork bomb, which the watch stops or the kernel starves, and nothing of it is left', async () => {
    const name = `bomb${process.pid}`;
    const { end, output } = await run(`${name}() { ${name} | ${name} & }; ${name}; sleep 20`);
    // The shell stays: its bombs leave it, and with its end the sandbox would end before either bound is met.
    expect(`${end.exceeded} ${output}`).toMatch(/more than 512 processes and threads|Cannot fork/);
    await expect.poll(() => processesWith(name)).toEqual([]);
  });

  it('stops a command that holds too many processes', async () => {
    const seconds = marker();
    const { end } = await run(`i=0; while [ $i -lt 700 ]; do sleep ${seconds} & i=$((i+1)); done; wait`);
    expect(end).toMatchObject({ signal: 'SIGKILL', exceeded: 'more than 512 processes and threads', timed_out: false });
    await expect.poll(() => processesWith(seconds)).toEqual([]);
  });

  it('gives one process no more memory than its limit, and stops many that hold more together', async () => {
    const hold = (mib: number) =>
      `node -e 'const a = []; for (let i = 0; i < ${mib}; i += 8) a.push(Buffer.alloc(8 << 20, 1))'`;
    const one = await run(hold(4_000));
    // The kernel's limit for one process and the watch's for all are the same: whichever is there first speaks.
    expect(one.end.exit_code).not.toBe(0);
    expect(`${one.end.exceeded} ${one.output}`).toMatch(/memory/i);
    // Each far below the limit of one process, of which node itself takes a good part; together above that of all.
    const sleepy = hold(300).replace(/'$/, "; setInterval(() => {}, 1000)'");
    const five = Array.from({ length: 5 }, () => `${sleepy} &`).join(' ');
    expect((await run(`${five} wait`)).end.exceeded).toBe('more than 1024 MiB of memory');
  });

  it('bounds a file, and what lies in its own /tmp', async () => {
    const { output } = await run(
      'head -c 300000000 /dev/zero > big; wc -c < big; for i in 1 2 3; do head -c 200000000 /dev/zero > /tmp/$i; done',
    );
    expect(output).toContain(`${256 * 1024 * 1024}\n`);
    expect(output).toContain('No space left on device');
  });

  it('stops a flood of output, without holding it in memory', async () => {
    const before = process.memoryUsage.rss();
    const { end } = await run('yes');
    expect(end).toMatchObject({ exceeded: 'more than 268435456 characters of output' });
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1024 * 1024);
  });

  it('asks a command to end when its time is up', async () => {
    const { end, output } = await run(`trap 'echo saved; exit 3' TERM; while :; do sleep 0.05; done`, {
      timeout_ms: 500,
    });
    expect(end).toMatchObject({ exit_code: 3, timed_out: true, exceeded: 'more than 0.5 s' });
    expect(output).toContain('saved');
  });

  it('kills a command that ignores being asked', async () => {
    const seconds = marker();
    const command = `trap '' TERM; (trap '' TERM; setsid sleep ${seconds}) & while :; do sleep ${seconds}; done`;
    const { end } = await run(command, { timeout_ms: 500 });
    expect(end).toMatchObject({ signal: 'SIGKILL', timed_out: true });
    await expect.poll(() => processesWith(seconds)).toEqual([]);
  });

  it('ends with all that it started, also what went into the background', async () => {
    const seconds = marker();
    expect((await run(`(setsid sleep ${seconds} &) ; echo bye`)).output).toBe('bye\n');
    await expect.poll(() => processesWith(seconds)).toEqual([]);
  });

  it('ends when it is cancelled', async () => {
    const seconds = marker();
    const cancel = new AbortController();
    const running = run(`echo started; sleep ${seconds}`, { signal: cancel.signal, onOutput: () => cancel.abort() });
    await expect(running).rejects.toThrow('aborted');
    await expect.poll(() => processesWith(seconds)).toEqual([]);
  });

  it('ends with a worker that is killed', async () => {
    const seconds = marker();
    const code = `
      import { createSandbox } from '${join(import.meta.dirname, '../../../../src/agents/tools/sandbox.ts')}';
      await createSandbox(${JSON.stringify(mode)}, process.execPath).run('echo started; sleep ${seconds}', {
        dir: '${dir}', timeout_ms: 60000, signal: new AbortController().signal, onOutput: (_, text) => console.log(text) });`;
    const worker = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(worker.stdout, 'data');
    await expect.poll(() => processesWith(`sleep\0${seconds}`)).toHaveLength(1);
    worker.kill('SIGKILL');
    await expect.poll(() => processesWith(`sleep\0${seconds}`)).toEqual([]);
  });
});

describe('what a role may not write', { timeout: TIMEOUT_MS }, () => {
  it('is read-only for its commands: the file cannot be changed, moved or removed', async () => {
    await writeFile(join(dir, 'given.yaml'), 'given');
    await mkdir(join(dir, 'reviews'));
    const { output } = await run(
      '(echo forged > given.yaml) && echo wrote; rm given.yaml && echo removed; mv given.yaml x && echo moved; touch reviews/a && echo reviewed; cat given.yaml',
      { read_only: ['/given.yaml', '/reviews', '/none'] },
    );
    expect(output).not.toMatch(/wrote|removed|moved|reviewed/);
    expect(output.endsWith('given')).toBe(true);
  });

  it('is not mounted through a symbolic link, which would show files of this machine', async () => {
    await symlink(outside, join(dir, 'reviews'));
    expect((await run('cat reviews/secret.txt', { read_only: ['/reviews', '/reviews/secret.txt'] })).output).toContain(
      'No such file or directory',
    );
  });
});

describe('where there is no sandbox', () => {
  it('commands are refused with the reason and what to do about it', async () => {
    const found = await findSandboxMode('bubblewrap', '/no/such/bwrap');
    expect(found).toEqual({
      kind: 'refuse',
      reason: expect.stringMatching(/^bubblewrap does not run here: .*No such file.*OBSERVATORY_SANDBOX=unsafe$/),
    });
    mode = found;
    await expect(run('true')).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('Install bubblewrap'),
    });
  });

  it('nothing runs unless that is asked for', async () => {
    expect(await findSandboxMode('refuse')).toMatchObject({ kind: 'refuse' });
    expect(await findSandboxMode('unsafe')).toEqual({ kind: 'unsafe' });
  });
});
