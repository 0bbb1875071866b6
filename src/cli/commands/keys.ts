import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { Environment } from '../../config/config.ts';
import { openKeys } from '../../runtime/keys.ts';
import { ApiKeyRole } from '../../schemas/api-key.ts';
import { boundedText, Uuid } from '../../schemas/primitives.ts';
import { findDeployment } from '../connection.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { ago, table } from '../text.ts';

/** A key's name is the author of what is said with it; it is in logs and lists. */
const KeyName = boundedText(1, 100).trim().min(1);

/** Adds `observatory keys …`, which works on the database itself: before the first key exists, no API would answer. */
export function registerKeys(program: Command, env: Environment): void {
  const keys = program.command('keys').description('make, list and revoke API keys, on the database itself');
  const open = () => openKeys(findDeployment(env));
  registerCreate(keys, open);
  registerList(keys, open);
  registerRevoke(keys, open);
}

type Open = () => ReturnType<typeof openKeys>;

function registerCreate(keys: Command, open: Open): void {
  keys
    .command('create')
    .description('make a key and show it, this once')
    .requiredOption('--name <text>', 'who or what it is for: the author of what is said with it', nameOf)
    .addOption(
      new Option('--role <role>', 'a reader may read, an operator may do everything')
        .choices(ApiKeyRole.options)
        .default('reader'),
    )
    .option('--json', 'print the key as one JSON object')
    .addHelpText('after', examples('observatory keys create --name "Maximiliane" --role operator'))
    .action(async ({ name, role, json }: { name: string; role: ApiKeyRole; json?: true }) => {
      await using all = open();
      const made = await all.create(name, role);
      if (json) return printJson(made);
      print(made.key);
      process.stderr.write(`Keep it now: it is shown only once. Revoke it: observatory keys revoke ${made.id}\n`);
    });
}

function registerList(keys: Command, open: Open): void {
  keys
    .command('list')
    .description('list keys, newest first; never the keys themselves')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('observatory keys list'))
    .action(async ({ json }: { json?: true }) => {
      await using all = open();
      const items = await all.list();
      if (json) return printJson({ items });
      const now = Date.now();
      print(
        table(items, [
          { title: 'ID', text: ({ id }) => id },
          { title: 'ROLE', text: ({ role }) => role },
          { title: 'CREATED', text: ({ created_at }) => ago(created_at, now) },
          { title: 'REVOKED', text: ({ revoked_at }) => (revoked_at === null ? '' : ago(revoked_at, now)) },
          { title: 'NAME', text: ({ name }) => name },
        ]),
      );
    });
}

function registerRevoke(keys: Command, open: Open): void {
  keys
    .command('revoke')
    .argument('<id>', 'the id that `keys list` shows', idOf)
    .description('revoke a key: its next request is refused')
    .option('--json', 'print the key as one JSON object, without itself')
    .addHelpText('after', examples(`observatory keys revoke ${EXAMPLE_ID}`))
    .action(async (id: string, { json }: { json?: true }) => {
      await using all = open();
      const revoked = await all.revoke(id);
      if (json) printJson(revoked);
      else print(`Key ${revoked.id} (${revoked.name}) is revoked.`);
    });
}

function nameOf(text: string): string {
  const name = KeyName.safeParse(text);
  if (name.success) return name.data;
  throw new InvalidArgumentError('It must be 1 to 100 characters.');
}

function idOf(text: string): string {
  if (Uuid.safeParse(text).success) return text;
  throw new InvalidArgumentError('It must be the id of a key, a UUID.');
}
