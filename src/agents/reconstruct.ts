import type { Kysely } from 'kysely';
import { getEpisode } from '../db/read/episodes.ts';
import { listMadeOutside } from '../db/read/needed.ts';
import type { NamedArtifact } from '../db/read/needed.ts';
import type { LinePlace } from '../db/read/places.ts';
import { findWorkspaceBefore, listTranscript } from '../db/read/transcript.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../schemas/database.ts';
import type { ConversationAt, WorkspaceAt } from '../schemas/place.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { forEachBounded } from '../storage/parallel.ts';
import { getManifest, serializeManifest } from '../storage/workspace-manifest.ts';
import { toTraceMessage } from '../tracing/capture.ts';
import type { Agents } from './agents.ts';
import { listAsked } from './own/asked.ts';
import { turnEndingTools } from './tools/registry.ts';
import { buildConversation } from './conversation.ts';
import type { JsonStore } from '../storage/json-store.ts';
import { manifestOfInputs } from '../storage/workspaces.ts';
import { sha256Of } from '../identity.ts';

/** Objects that the store is asked for at the same time. */
const OBJECTS_AT_ONCE = 8;

type Reading = { db: Kysely<Database>; store: Pick<ObjectStore, 'stat' | 'readBytes'> };

/** The files as they were at a place. Throws data_loss, naming it, when the manifest or an input is missing. */
export async function readWorkspace({ db, store }: Reading, { episode_id, seq }: LinePlace): Promise<WorkspaceAt> {
  const sha256 = await findWorkspaceBefore(db, episode_id, seq + 1);
  if (sha256 !== undefined) return { seq, sha256, files: (await getManifest(store, sha256)).files };
  const manifest = await manifestOfInputs(store, await getEpisode(db, episode_id));
  return { seq, sha256: sha256Of(serializeManifest(manifest)), files: manifest.files };
}

/** Throws failed_precondition that names what the store no longer has of all that agents could read at a place. */
export async function requireWhole(reading: Reading, place: LinePlace): Promise<void> {
  const { files } = await readWorkspace(reading, place).catch((error: unknown) => {
    const { code, message } = AppError.from(error);
    throw code === 'data_loss' ? new AppError('failed_precondition', message, { cause: error }) : error;
  });
  const missing: NamedArtifact[] = [];
  await forEachBounded([...files, ...(await listMadeOutside(reading.db, place))], OBJECTS_AT_ONCE, async (file) => {
    if (!(await reading.store.stat(file.sha256))) missing.push(file);
  });
  const [first] = missing.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  if (!first) return;
  const others = missing.length > 1 ? `, and so are ${missing.length - 1} more` : '';
  throw new AppError(
    'failed_precondition',
    `What step ${place.seq} left is not whole: ${first.path} (sha256 ${first.sha256}) is missing from the object store${others}.`,
  );
}

/** Each role's conversation at a place. */
export async function readConversation(
  { db, json, agents }: { db: Kysely<Database>; json: JsonStore; agents: Agents },
  { episode_id, seq }: LinePlace,
): Promise<ConversationAt> {
  const episode = await getEpisode(db, episode_id);
  const roles: ConversationAt['roles'] = [];
  const { roles: known, own } = agents.get(episode.agent);
  if (own) return { seq, roles: await listAsked(db, json, { episode_id, seq }) };
  for (const role of known) {
    const steps = await listTranscript(db, {
      episode_id,
      agent: role.name,
      before: seq + 1,
      turn_ending: turnEndingTools(),
    });
    if (!steps.some(({ agent, kind }) => agent === role.name && kind === 'thought')) continue;
    const messages = await buildConversation({ episode, role, steps }, json);
    roles.push({ role: role.name, messages: messages.map(toTraceMessage) });
  }
  return { seq, roles };
}
