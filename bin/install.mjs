/**
 * Makes node_modules what package-lock.json says where it is not; otherwise does nothing, in milliseconds.
 * Plain JavaScript for any Node from 18 on: it runs before the project's own Node is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const difference = findDifference();
if (difference !== undefined) install(difference);

/** Why node_modules does not hold what the lockfile names; undefined when it does. */
function findDifference() {
  // npm writes this file last: a killed installation has none.
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'nothing is installed yet';
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // Optional packages are for other platforms as a rule.
    if (found === undefined && entry.optional) continue;
    if (found === undefined) return `${path} is missing`;
    if (found.version !== entry.version || found.integrity !== entry.integrity)
      return `${path} is ${found.version}, not ${entry.version}`;
  }
  return undefined;
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

function install(reason) {
  console.log(`Installing packages (${reason}). This takes about a minute, once.`);
  // npm may replace the Node that lies in node_modules: it must run on another.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter);
  // Not `npm ci`, which works too: it would take away all that is installed, this script's own Node among it, for one package
  // that changed. This installs the same versions from the same lockfile, and leaves it as it is.
  const { status, error } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel', 'http'],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: path },
    },
  );
  if (status === 0) return;
  console.error(
    `npm install failed${error ? `: ${error.message}` : ''}. Mend what it says above, then run the command again.`,
  );
  process.exit(status ?? 1);
}
