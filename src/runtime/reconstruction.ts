import type { Kysely } from 'kysely';
import type { Agents } from '../agents/agents.ts';
import { createJsonStore } from '../storage/json-store.ts';
import { readConversation, readWorkspace, requireWhole } from '../agents/reconstruct.ts';
import type { ApiDeps } from '../api/deps.ts';
import type { Database } from '../schemas/database.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** What the API answers about a place of an episode's line, from the record and the object store. */
export function createReconstruction(deps: {
  db: Kysely<Database>;
  store: ObjectStore;
  agents: Agents;
}): ApiDeps['reconstruction'] {
  const json = createJsonStore(deps.store);
  return {
    workspace: (place) => readWorkspace(deps, place),
    conversation: (place) => readConversation({ ...deps, json }, place),
    requireWhole: (place) => requireWhole(deps, place),
  };
}
