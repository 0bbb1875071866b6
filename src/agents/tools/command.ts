import { z } from 'zod';
import { defineTool, pick, textOf } from './tool.ts';

const TIMEOUT_S_DEFAULT = 120;
const TIMEOUT_S_MAX = 1_800;
/** What the model is shown of a command's output, in UTF-16 units: its beginning and, where more is to be learned, its end. */
const HEAD_CHARS = 10_000;
const TAIL_CHARS = 20_000;

const ExecuteCommand = z.strictObject({
  command: z
    .string()
    .min(1)
    .max(20_000)
    .describe('a shell command, run in the workspace; node and the usual programs are there'),
  timeout_s: z.number().int().min(1).max(TIMEOUT_S_MAX).default(TIMEOUT_S_DEFAULT),
});

/** The tool that runs shell commands in the sandbox; every line of output goes to the execution log while it runs. */
export const executeCommand = defineTool({
  name: 'execute_command',
  description: 'Runs a shell command in the workspace and returns its exit code and output. There is no network.',
  read_only: false,
  input: ExecuteCommand,
  facts: ({ args }) => [{ type: 'run_command_tool', payload: pick(args, 'command') }],
  subject: ({ command }) => textOf(command).trim().replace(/\s.*/s, ''),
  async run({ command, timeout_s }, { protected_paths, sandbox, workspace_dir, log, signal }) {
    const output = excerpt();
    log.write('system', `$ ${command}`);
    const end = await sandbox.run(command, {
      dir: workspace_dir,
      read_only: [...protected_paths()],
      timeout_ms: timeout_s * 1000,
      signal,
      onOutput(stream, text) {
        log.write(stream, text);
        output.add(text);
      },
    });
    const ending = end.signal ? `ended by ${end.signal}` : `exit code ${end.exit_code}`;
    const how = end.exceeded ? `stopped: ${end.exceeded}` : ending;
    log.write('system', how, end.exit_code === 0 ? 'info' : 'warning');
    return { content: `${how}\n${output.text()}`, result: { ...end } };
  },
});

/** The beginning and the end of a text that is never held whole. */
function excerpt() {
  let head = '';
  let tail = '';
  let left = 0;
  return {
    add(text: string) {
      const room = HEAD_CHARS - head.length;
      head += text.slice(0, room);
      tail += text.slice(room);
      if (tail.length > 2 * TAIL_CHARS) {
        left += tail.length - TAIL_CHARS;
        tail = tail.slice(-TAIL_CHARS);
      }
    },
    text() {
      const over = Math.max(0, tail.length - TAIL_CHARS);
      const gap = left + over;
      if (gap === 0) return head + tail;
      return `${head}\n[… ${gap} characters left out; the step's log has them …]\n${tail.slice(over)}`;
    },
  };
}
