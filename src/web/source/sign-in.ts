import { bodyOf } from '../../client/client.ts';
import type { Caller } from './source.ts';

/** Makes this browser's session with a key, or with the token of a link that is good for one. Throws what the API says. */
export async function signIn(secret: string, person: string): Promise<Caller> {
  const answer = fetch('/v1/sessions', {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(person === '' ? {} : { person }),
  });
  return (await bodyOf(answer)) as Caller;
}
