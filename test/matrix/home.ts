import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findRunningStack } from '../../src/cli/stack/state.ts';
import { cacheFolder, processEnvironment } from '../../src/config/config.ts';
import { until } from '../../src/embedded/until.ts';
import type { Build } from './build.ts';

/** An episode of the matrix takes seconds, the demo a minute or two; on a loaded machine it takes longer. */
const EPISODE_MS_MAX = 600_000;
const FINAL = ['completed', 'failed', 'cancelled', 'stopped'];

/** What the matrix asks of an episode, as any build's API answers it; all else that it answers is kept. */
const EpisodeAnswer = z.looseObject({
  id: z.string(),
  status: z.string(),
  run_id: z.string().nullable(),
  terminal_reason: z.string().nullable(),
  step_count: z.number(),
  recorded_miss: z.unknown(),
});
const StepAnswer = z.looseObject({
  id: z.string(),
  seq: z.number(),
  kind: z.string(),
  name: z.string(),
  status: z.string(),
  served_from: z.string().nullable(),
});
const Shown = EpisodeAnswer.extend({ steps: z.array(StepAnswer) });
/** An episode with its steps. */
export type Shown = z.infer<typeof Shown>;

const hasEnded = ({ status }: z.infer<typeof EpisodeAnswer>) => FINAL.includes(status);

/** A folder in which builds run one after another, each as `npm start` does, and what is asked of the one that runs. */
export type Home = AsyncDisposable & {
  path: string;
  /** Starts everything with this build and resolves when it is up. */
  start(build: Build): Promise<void>;
  stop(): Promise<void>;
  /** Runs a command of the running build, which must succeed, and returns what it printed as JSON. */
  command(...args: string[]): Promise<unknown>;
  /** The same for a command that answers an episode: its id. */
  episode(...args: string[]): Promise<string>;
  show(id: string): Promise<Shown>;
  /** The JSON that the API answers at a path. */
  get(path: string): Promise<unknown>;
  /** The episode once it has ended. */
  ended(id: string): Promise<Shown>;
  /** Rewinds an ended episode; returns it once the run that goes on has ended it again. */
  rewound(id: string, step: number): Promise<Shown>;
  /** The report of an ended episode's coverage, once an audit has found everything where it should be. */
  audited(id: string): Promise<unknown>;
  /** The episode once a step of it waits for a person. */
  waiting(id: string): Promise<Shown>;
  /** The environment of the running stack's own processes. */
  environment(): Record<string, string>;
};

/** Makes an empty home. Programs that are fetched come from the cache that all share. */
export async function createHome(): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), 'observatory-old-home-'));
  const env = {
    OBSERVATORY_HOME: path,
    OBSERVATORY_CACHE: cacheFolder(processEnvironment()),
  };
  let running: Build | undefined;

  const command = async (...args: string[]): Promise<unknown> => {
    if (!running) throw new Error('no build runs in this home');
    const { code, out, err } = await running.run([...args, '--json'], env);
    if (code !== 0) throw new Error(`observatory ${args.join(' ')}: exit code ${code}\n${out}${err}`);
    return JSON.parse(out);
  };
  const stack = () => {
    const found = findRunningStack(path);
    if (!found) throw new Error('no stack runs in this home');
    return found;
  };
  const get = async (route: string): Promise<unknown> => {
    const { addresses, env: own } = stack();
    const headers = { authorization: `Bearer ${own['OBSERVATORY_API_KEY']}` };
    const answer = await fetch(`${addresses.api}${route}`, { headers });
    if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const show = async (id: string) => Shown.parse(await command('episodes', 'show', id));
  const when = (what: string, id: string, is: (episode: z.infer<typeof EpisodeAnswer>) => boolean) =>
    until({
      what,
      duration_ms_max: EPISODE_MS_MAX,
      attempt: async () => is(EpisodeAnswer.parse(await get(`/v1/episodes/${id}`))) || undefined,
    }).then(() => show(id));
  const stop = async () => {
    if (!running) return;
    const { code, out, err } = await running.run(['down'], env);
    running = undefined;
    if (code !== 0) throw new Error(`observatory down: exit code ${code}\n${out}${err}`);
  };

  return {
    path,
    command,
    get,
    show,
    stop,
    async start(build) {
      const { code, err } = await build.run(['up', '--detach', '--no-demo', '--json'], env);
      if (code !== 0) throw new Error(`observatory up: exit code ${code}\n${err}`);
      running = build;
    },
    episode: async (...args) => EpisodeAnswer.parse(await command(...args)).id,
    ended: (id) => when(`The end of episode ${id}`, id, hasEnded),
    waiting: (id) => when(`A question of episode ${id}`, id, ({ status }) => status === 'waiting'),
    async rewound(id, step) {
      const before = await show(id);
      await command('rewind', id, '--step', String(step));
      return when(`The end of rewound episode ${id}`, id, (now) => now.run_id !== before.run_id && hasEnded(now));
    },
    audited: (id) =>
      until({
        what: `A complete audit of episode ${id}`,
        duration_ms_max: EPISODE_MS_MAX,
        attempt: async () => {
          const report = await get(`/v1/episodes/${id}/coverage`);
          return z.object({ verdict: z.literal('complete') }).safeParse(report).success ? report : undefined;
        },
      }),
    environment: () => stack().env,
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(path, { recursive: true, force: true });
    },
  };
}
