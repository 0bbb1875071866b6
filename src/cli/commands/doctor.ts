import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { diagnose } from '../../runtime/doctor/doctor.ts';
import type { Finding } from '../../runtime/doctor/finding.ts';
import { findDeployment } from '../connection.ts';
import { examples, print, printJson } from '../output.ts';
import { oneLine } from '../text.ts';

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** Adds `observatory doctor`. */
export function registerDoctor(program: Command, env: Environment): void {
  program
    .command('doctor')
    .description('look at everything that the system depends on and say what to mend; exit 1 when something fails')
    .option('--json', 'print the findings as one JSON object')
    .addHelpText(
      'after',
      examples('observatory doctor', 'observatory doctor --json | jq \'.findings[] | select(.state != "ok")\''),
    )
    .action(async ({ json }: { json?: true }) => {
      const findings = await diagnose(findDeployment(env));
      const healthy = findings.every(({ state }) => state !== 'fail');
      if (json) printJson({ healthy, findings });
      else print(render(findings));
      if (!healthy) process.exitCode = 1;
    });
}

function render(findings: Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, state, detail, mend }) => {
      const line = `${styleText(COLOURS[state], state.padEnd(4), { stream: process.stdout })}  ${name.padEnd(width)}  ${oneLine(detail)}`;
      return mend === null ? line : `${line}\n${' '.repeat(width + 8)}→ ${oneLine(mend)}`;
    })
    .join('\n');
}
