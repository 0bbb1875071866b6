// The fault matrix of delivery, the long way: npm run chaos:traces -- [--episodes 100] [--seed 1] [--json]. Every fault alone, then
// all of them mixed, while a real sender process is killed at random moments. In the end Langfuse's stand-in must hold every
// span once, and the audit of every episode must be complete.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createCoverageActivities } from '../../src/activities/traces/coverage.ts';
import { mulberry32 } from '../../src/simulation/spawn.ts';
import type { Fault } from '../../src/langfuse-stand-in/faults.ts';
import { findCoverage } from '../../src/db/read/coverage.ts';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { startServers } from '../../src/embedded/stack.ts';
import type { Episode } from '../../src/schemas/episode.ts';
import { HURRIED, KEYS, openOutbox } from '../support/outbox.ts';
import type { Outbox } from '../support/outbox.ts';

const SENDER = join(import.meta.dirname, '../support/sender.ts');
const STEPS = 12;
/** Episodes that end under one plan of faults. */
const EPISODES_PER_ROUND = 4;
/** What has not settled by then never will. */
const SETTLE_MS_MAX = 120_000;
const SENDS: Fault['on'] = ['otlp', 'ingestion'];
const EVERYTHING: Fault['on'] = ['otlp', 'ingestion', 'reads', 'health'];

type Plan = { name: string; kills: number; faults: Partial<Fault>[] };
type Random = () => number;

const KINDS: Partial<Fault>[] = [
  { kind: 'error_500', on: EVERYTHING },
  { kind: 'bad_gateway_html', on: EVERYTHING },
  { kind: 'unavailable_503', on: EVERYTHING },
  { kind: 'rate_limited_429', on: EVERYTHING, retry_after_s: 0 },
  { kind: 'hang', on: EVERYTHING },
  { kind: 'reset_before_storing', on: EVERYTHING },
  { kind: 'store_then_reset', on: SENDS },
  { kind: 'drop', on: SENDS },
  { kind: 'delay_visibility', on: SENDS, delay_ms: 400 },
  { kind: 'too_large_413', on: SENDS, bytes: 20_000 },
];

/** Each fault alone, a killed sender alone, and then all of them, over and over. */
function planOf(round: number, random: Random): Plan {
  const alone = KINDS[round];
  if (alone) return { name: `${alone.kind} alone`, kills: 0, faults: [{ ...alone, count: 4 }] };
  if (round === KINDS.length) return { name: 'kill -9 alone', kills: 3, faults: [] };
  const faults = KINDS.map((fault) => ({ ...fault, probability: 0.15, count: 4 }));
  return { name: 'all mixed', kills: Math.floor(random() * 4), faults: faults.toSorted(() => random() - 0.5) };
}

/** Ends the steps of some episodes while a sender delivers, fails and is killed; returns what is wrong in the end. */
async function play(
  outbox: Outbox,
  plan: Plan,
  { random, seed, count }: { random: Random; seed: number; count: number },
) {
  await outbox.setFaults({ seed, faults: plan.faults });
  let sender = startSender(outbox);
  const stop = async () => {
    const exited = once(sender, 'exit');
    sender.kill('SIGKILL');
    await exited;
  };
  const killing = (async () => {
    for (let kill = 0; kill < plan.kills; kill += 1) {
      await wait(random() * 2_500);
      await stop();
      sender = startSender(outbox);
    }
  })();
  const episodes = await Promise.all(
    Array.from({ length: count }, async () => {
      const episode = await outbox.startEpisode();
      const spans = await outbox.endSteps(episode, 1, STEPS);
      return { episode, spans: [...spans, await outbox.endEpisode(episode)] };
    }),
  );
  await killing;
  const settled = await Promise.race([outbox.settled(), wait(SETTLE_MS_MAX, 'late', { ref: false })]);
  const made = await outbox.faultsMade();
  await outbox.setFaults({ faults: [] });
  await stop();
  const wrong = settled === 'late' ? [`not settled after ${SETTLE_MS_MAX / 1000} s`] : [];
  for (const { episode, spans } of episodes) wrong.push(...(await findWrong(outbox, episode, spans)));
  return { made, wrong };
}

async function findWrong(outbox: Outbox, episode: Episode, spans: string[]): Promise<string[]> {
  const stored = await outbox.stored(episode);
  const doubled = stored.filter((id, place) => stored[place - 1] === id);
  const missing = spans.filter((id) => !stored.includes(id));
  const listCompletedSteps = async () => Array.from({ length: STEPS }, (_, at) => ({ run_id: 'run-1', seq: at + 1 }));
  const { db } = outbox.database.client;
  // These steps have no files: nobody asks for an object.
  const store = { stat: async () => undefined };
  const { auditCoverage } = createCoverageActivities({ db, store, langfuse: outbox.client(), listCompletedSteps });
  await new MockActivityEnvironment().run(auditCoverage, episode.id);
  const report = await findCoverage(db, episode.id);
  const details = report?.findings.map(({ kind, item, detail }) => `${kind} ${item}: ${detail}`) ?? [];
  return [
    ...doubled.map((id) => `${episode.id}: ${id} is stored twice`),
    ...missing.map((id) => `${episode.id}: ${id} is not stored`),
    ...(report?.verdict === 'complete' ? [] : [`${episode.id}: coverage is ${report?.verdict}: ${details.join('; ')}`]),
  ];
}

function startSender({ database, collector }: Outbox): ChildProcess {
  const args = [SENDER, database.url, collector.url, KEYS.secret_key, JSON.stringify(HURRIED)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

const { values } = parseArgs({
  options: {
    episodes: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const say = (line: string) => (values.json ? console.error(line) : console.log(line));
const random = mulberry32(Number(values.seed));
const home = await mkdtemp(join(tmpdir(), 'observatory-chaos-'));
const cache = cacheFolder(processEnvironment());
const servers = await startServers({ home, env: {}, log: say, cache, ports: 'any' });
const began = performance.now();
const failures: string[] = [];
const rounds: { plan: string; episodes: number; kills: number; faults_made: number; failed: number }[] = [];
try {
  const outbox = await openOutbox('events_only', servers.env['DATABASE_URL']);
  for (let left = Number(values.episodes), round = 0; left > 0; left -= EPISODES_PER_ROUND, round += 1) {
    const plan = planOf(round, random);
    const count = Math.min(left, EPISODES_PER_ROUND);
    const seed = Number(values.seed) * 1_000 + round;
    const { made, wrong } = await play(outbox, plan, { random, seed, count });
    failures.push(...wrong);
    rounds.push({ plan: plan.name, episodes: count, kills: plan.kills, faults_made: made, failed: wrong.length });
    say(
      `${plan.name}: ${count} episodes, ${made} faults, ${plan.kills} kills: ${wrong.length ? wrong.join('\n  ') : 'complete, each once'}`,
    );
  }
  await outbox[Symbol.asyncDispose]();
} finally {
  await servers.stop();
  await rm(home, { recursive: true, force: true });
}
const sum = (of: 'episodes' | 'faults_made' | 'kills') => rounds.reduce((all, round) => all + round[of], 0);
const summary = {
  episodes: sum('episodes'),
  faults: sum('faults_made'),
  kills: sum('kills'),
  seconds: Math.round((performance.now() - began) / 1000),
  failures,
};
say(
  `${summary.episodes} episodes under ${summary.faults} faults and ${summary.kills} kills: ${failures.length} failures`,
);
if (values.json) console.log(JSON.stringify(summary));
process.exitCode = failures.length > 0 ? 1 : 0;
