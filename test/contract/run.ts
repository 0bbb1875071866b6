// `npm run contract`: schemathesis alone, with any seed and any number of examples for each operation.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    'max-examples': { type: 'string', default: '25' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    'npm run contract -- [--seed 1] [--max-examples 25]\nIts reports lie in reports/contract; exit code 1 when anything failed.',
  );
} else {
  const child = spawn('vitest', ['run', '--project', 'contract', 'test/contract/schemathesis.test.ts'], {
    env: { ...process.env, CONTRACT_SEED: values.seed, CONTRACT_MAX_EXAMPLES: values['max-examples'] },
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
}
