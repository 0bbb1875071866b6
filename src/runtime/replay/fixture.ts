import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { createDatabase } from '../../db/client.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { AppError } from '../../errors.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { Config } from '../../config/config.ts';
import { EPISODE_TASK } from '../../workflows/search-attributes.ts';
import { openEpisodeWorkflows } from '../temporal/client.ts';
import { fetchHistories } from './sources.ts';

/** The JSON of one history, as walked here. */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What people and tools said: it decides nothing when a history is replayed, and is nobody's business. */
const SAID = new Set(['author', 'text', 'reason', 'message', 'summary', 'task_line']);
/** Members that are left out: what Temporal's UI shows of the run, in people's words. */
const LEFT_OUT = new Set(['userMetadata', EPISODE_TASK.name]);
const REDACTED = 'redacted';

/** Keeps the histories of a deployment's episode as golden ones. Returns their paths. Throws not_found. */
export async function addFixture(
  config: Config,
  { id, ...where }: { id: string; folder: string; name: string },
): Promise<string[]> {
  await using database = createDatabase(config.database_url.reveal(), { connections: 1 });
  await using workflows = await openEpisodeWorkflows(config);
  const episode = await getEpisode(database.db, id);
  const files = await writeFixture(workflows.client, { episode, ...where });
  if (files.length === 0) throw new AppError('not_found', `Temporal has no history of episode ${id}.`);
  return files;
}

/**
 * Keeps the history of each run of an episode as a golden one: `<name>.json` for the newest, `<name>-2.json` for the one
 * before it, and so on. Returns their paths.
 */
export async function writeFixture(
  client: Client,
  { episode, folder, name }: { episode: Pick<Episode, 'workflow_id'>; folder: string; name: string },
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  for await (const { json } of fetchHistories(client, { workflow_id: episode.workflow_id, runs: [] })) {
    const path = join(folder, `${name}${written.length === 0 ? '' : `-${written.length + 1}`}.json`);
    await writeFile(path, `${redactHistory(json)}\n`);
    written.push(path);
  }
  return written;
}

/**
 * A history in JSON without what names machines, people and their words: who did it, what they said, stack traces, paths,
 * summaries. Ids, kinds and the order of things stay, and with them all that a replay looks at. An event is a line.
 */
export function redactHistory(json: string): string {
  const history = JSON.parse(json) as Json;
  const names = new Set<string>();
  collectMachines(history, names);
  const machines = [...names].toSorted((a, b) => b.length - a.length);
  const { events } = History.parse(redact(history, machines));
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}`;
}

const History = z.object({ events: z.array(z.looseObject({})) });

function collectMachines(value: Json, names: Set<string>): void {
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) return value.forEach((item) => collectMachines(item, names));
  for (const [key, member] of Object.entries(value)) {
    if (key !== 'identity' || typeof member !== 'string') collectMachines(member, names);
    // A client is `pid@machine`, a worker `machine-pid-digits`.
    else names.add(/^\d+@(.+)$/.exec(member)?.[1] ?? /^(.+)-\d+-[0-9a-f]+$/.exec(member)?.[1] ?? member);
  }
}

function redact(value: Json, machines: string[]): Json {
  if (typeof value === 'string') return redactText(value, machines);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => redact(item, machines));
  const payload = Payload.safeParse(value).data;
  if (payload) return { ...value, data: redactPayload(payload.data, machines) };
  const members = Object.entries(value).filter(([key]) => !LEFT_OUT.has(key));
  return Object.fromEntries(
    members.map(([key, member]): [string, Json] => {
      if (key === 'stackTrace') return [key, ''];
      if (key === 'identity' || (SAID.has(key) && typeof member === 'string')) return [key, REDACTED];
      return [key, redact(member, machines)];
    }),
  );
}

const Payload = z.object({ metadata: z.object({ encoding: z.string() }), data: z.string() });

function redactPayload(data: string, machines: string[]): string {
  const text = Buffer.from(data, 'base64').toString('utf8');
  try {
    return Buffer.from(JSON.stringify(redact(JSON.parse(text) as Json, machines))).toString('base64');
  } catch {
    // Not JSON: markers and search attributes of the SDK's own, which name nobody.
    return data;
  }
}

function redactText(text: string, machines: string[]): string {
  const nameless = machines.reduce((all, name) => all.replaceAll(name, 'machine'), text);
  return nameless.replaceAll(/(?<![\w.:/-])\/(?:[\w.@+-]+\/)+[\w.@+-]*/g, '/path');
}
