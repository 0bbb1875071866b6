/**
 * Makes node_modules what package-lock.json says where it is not, and builds the page where its sources have changed;
 * otherwise does nothing, in milliseconds.
 * Plain JavaScript for any Node from 18 on: it runs before the project's own Node is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Between two lines on how far it is. */
const TELL_MS = 10_000;
/** Of what npm says, so much of the end is kept. */
const SAID_CHARS_MAX = 10_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const difference = findDifference();
if (difference !== undefined) await install(difference);
buildPage();

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

/** The page is built from its sources on the Node that was just installed; where they have not changed, that takes no time. */
function buildPage() {
  const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  const { status } = spawnSync(node, [join(root, 'bin', 'page.mjs')], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
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
  const npm = spawn('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel', 'http'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path },
  });
  let fetched = 0;
  let said = '';
  // npm says a line for each of some 800 requests: they are counted, and what else it says is shown where it fails.
  for (const output of [npm.stdout, npm.stderr])
    createInterface({ input: output }).on('line', (line) => {
      if (/^npm http (?:fetch|cache) /.test(line)) fetched += 1;
      else said = `${said}${line}\n`.slice(-SAID_CHARS_MAX);
    });
  let told = 0;
  const telling = setInterval(() => {
    // Once all has arrived npm says nothing for as long as it writes files.
    const doing = fetched > told ? 'so far' : 'done, unpacking';
    told = fetched;
    console.log(`Installing packages: ${fetched} requests ${doing}`);
  }, TELL_MS);
  return new Promise((installed) => {
    npm.on('error', (error) => fail(`: ${error.message}`, 1));
    npm.on('close', (status) => {
      clearInterval(telling);
      if (status !== 0) fail(`:\n${said}`, status ?? 1);
      console.log('Packages are installed');
      installed();
    });
  });
}

function fail(why, status) {
  console.error(`npm install failed${why}\nMend what it says above, then run the command again.`);
  process.exit(status);
}
