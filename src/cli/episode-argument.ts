import type { Command } from 'commander';
import { bodyOf } from '../client/client.ts';
import type { Client } from '../client/client.ts';
import { AppError } from '../errors.ts';
import { Uuid } from '../schemas/primitives.ts';
import { ago, oneLine } from './text.ts';

/** The newest episode, for who has just started it. */
const LATEST = 'latest';
/** Candidates that an ambiguous beginning is answered with. */
const CANDIDATES_MAX = 5;

/** What the help says of an argument that names an episode. */
const EPISODE_HELP = 'its id, a beginning of it that no other has, or `latest`';

/** Adds the argument that names an episode; what the command's action gets is the whole id. */
export function takesEpisode(
  command: Command,
  connect: () => Client,
  { name = '<id>', help = EPISODE_HELP }: { name?: string; help?: string } = {},
): Command {
  const at = command.registeredArguments.length;
  return command.argument(name, help).hook('preAction', async (_, called) => {
    // A command's own subcommands run its hooks too, with arguments of their own.
    const text: unknown = called === command ? called.processedArgs[at] : undefined;
    if (typeof text === 'string') called.processedArgs[at] = await findEpisodeId(connect, text);
  });
}

/**
 * The whole id of the episode that a person named. Throws `not_found` where no id begins so, `failed_precondition` with the
 * candidates where several do, `invalid_argument` where none could.
 */
async function findEpisodeId(connect: () => Client, text: string): Promise<string> {
  if (Uuid.safeParse(text).success) return text;
  const latest = text === LATEST;
  if (!latest && !/^[0-9a-f-]{1,36}$/i.test(text))
    throw new AppError('invalid_argument', `${oneLine(text)} is no id of an episode: name ${EPISODE_HELP}.`);
  const query = latest ? { limit: '1' } : { id_prefix: text, limit: String(CANDIDATES_MAX + 1) };
  const { items } = await bodyOf(connect().v1.episodes.$get({ query }));
  const [first, ...others] = items;
  if (!first)
    throw new AppError('not_found', latest ? 'There is no episode yet.' : `No episode’s id begins with ${text}.`);
  if (others.length === 0) return first.id;
  const lines = items
    .slice(0, CANDIDATES_MAX)
    .map(({ id, created_at, task }) => `\n  ${id}  ${ago(created_at, Date.now())}  ${oneLine(task).slice(0, 60)}`);
  const more = items.length > CANDIDATES_MAX ? '\n  …' : '';
  throw new AppError(
    'failed_precondition',
    `Several episodes’ ids begin with ${text}: write more of it.${lines.join('')}${more}`,
  );
}
