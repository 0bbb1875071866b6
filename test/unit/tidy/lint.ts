import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../../..');

/** One finding of oxlint: `code` is `plugin(rule)`, `filename` relative to the linted folder, `line` counted from 1. */
export type Finding = { code: string; filename: string; line: number; message: string; help?: string | undefined };

/** How long linting a folder of planted files may take; it takes less than a second. */
export const LINT_DURATION_MS_MAX = 30_000;
const REPORT_BYTES_MAX = 16 << 20;

const Report = z.object({
  diagnostics: z.array(
    z.object({
      message: z.string(),
      code: z.string(),
      help: z.string().optional(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.number() }) })),
    }),
  ),
});

/** Lints a folder that carries its own .oxlintrc.json; throws when oxlint itself could not run. */
export async function lint(folder: string): Promise<Finding[]> {
  const text = await new Promise<string>((settle, fail) => {
    const command = join(ROOT, 'node_modules/oxlint/bin/oxlint');
    // oxlint exits with 1 when it finds something: only a report that does not parse is a failure.
    execFile(
      process.execPath,
      [command, '--format=json'],
      { cwd: folder, timeout: LINT_DURATION_MS_MAX, maxBuffer: REPORT_BYTES_MAX },
      (error, stdout, stderr) =>
        stdout.startsWith('{')
          ? settle(stdout)
          : fail(new Error(`oxlint did not run: ${stdout}${stderr}`, { cause: error })),
    );
  });
  return Report.parse(JSON.parse(text)).diagnostics.map(({ labels, ...finding }) => ({
    ...finding,
    line: labels[0]?.span.line ?? 0,
  }));
}
