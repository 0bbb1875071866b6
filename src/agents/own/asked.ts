import type { Kysely } from 'kysely';
import { z } from 'zod';
import { listThoughts } from '../../db/read/transcript.ts';
import type { Database } from '../../schemas/database.ts';
import type { ConversationAt } from '../../schemas/place.ts';
import type { Json } from '../../schemas/primitives.ts';
import { ThoughtOutput } from '../../schemas/step.ts';
import type { Step } from '../../schemas/step.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import { toTraceMessage } from '../../tracing/capture.ts';
import { messageOf } from '../conversation.ts';

/** What a model of a graph of one's own was asked, as its step holds it: its messages come from the graph's channels, so they are kept. */
const Asked = z.object({ messages: z.array(z.json()) });

/** What a thought was asked; nothing where its step does not say. */
export async function askedIn({ input }: Step, { unpack }: JsonStore): Promise<{ messages: Json[] }> {
  const asked = Asked.safeParse(await unpack(input)).data;
  return { messages: asked?.messages ?? [] };
}

/** What each part of a graph had heard and said at a place: what its last thought was asked, and what it answered. */
export async function listAsked(
  db: Kysely<Database>,
  json: JsonStore,
  place: { episode_id: string; seq: number },
): Promise<ConversationAt['roles']> {
  const last = new Map<string, Step>();
  for (const step of await listThoughts(db, place)) last.set(`${step.agent} · ${step.node}`, step);
  const roles: ConversationAt['roles'] = [];
  for (const [role, step] of last) {
    const { messages } = await askedIn(step, json);
    const said = ThoughtOutput.safeParse(await json.unpack(step.output)).data;
    roles.push({ role, messages: said ? [...messages, toTraceMessage(messageOf(step, said))] : messages });
  }
  return roles;
}
