import { bodyOf, createClient } from '../client/client.ts';
import type { Connection } from './connection.ts';

/** The address of the page that signs one browser in, once. Throws failed_precondition where the API is not for its own machine alone. */
export async function makeSignInLink(connection: Connection): Promise<string> {
  const { url } = await bodyOf(createClient(connection).v1.sessions.links.$post());
  return url;
}
