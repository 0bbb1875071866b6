import type { Command } from 'commander';
import type { InferResponseType } from 'hono/client';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client } from '../../client/client.ts';
import { AppError } from '../../errors.ts';
import { findConnection } from '../connection.ts';
import { examples, print, printJson } from '../output.ts';
import { ago, oneLine, table } from '../text.ts';

type Schedule = InferResponseType<Client['v1']['schedules']['$get'], 200>['items'][number];

/** What can be done with a schedule, and the words for it. */
const STEERINGS = {
  pause: { description: 'let a schedule wait', done: 'waits' },
  resume: { description: 'let a schedule run by itself again', done: 'runs by itself again' },
  run: { description: 'run a schedule once, now', done: 'is asked to run now' },
} as const;

/** Adds `observatory schedules …`. */
export function registerSchedules(program: Command, env: Environment): void {
  const connect = () => createClient(findConnection(env));
  const schedules = program
    .command('schedules')
    .description('show what runs by itself; let it wait, run again, or run now');
  schedules
    .command('list')
    .description('list schedules with when they ran and will run')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('observatory schedules list'))
    .action(async ({ json }: { json?: true }) => {
      const items = await listSchedules(connect());
      if (json) printJson({ items });
      else print(render(items));
    });
  for (const [what, { description, done }] of Object.entries(STEERINGS))
    schedules
      .command(what)
      .argument('<id>', 'the schedule, or a beginning of its id that no other has')
      .description(description)
      .option('--json', 'print the schedule as one JSON object')
      .addHelpText('after', examples(`observatory schedules ${what} restore-point`))
      .action(async (text: string, { json }: { json?: true }) => {
        const client = connect();
        const id = choose(await listSchedules(client), text);
        const param = { id, what: what as keyof typeof STEERINGS };
        const schedule = await bodyOf(client.v1.schedules[':id'][':what'].$post({ param }));
        if (json) printJson(schedule);
        else print(`Schedule ${schedule.id} ${done}.`);
      });
}

const listSchedules = async (client: Client): Promise<Schedule[]> => (await bodyOf(client.v1.schedules.$get())).items;

/** The id that is this text, or the only one that begins so. */
function choose(schedules: Schedule[], text: string): string {
  const ids = schedules.map(({ id }) => id);
  const [only, ...others] = ids.includes(text) ? [text] : ids.filter((id) => id.startsWith(text));
  if (only !== undefined && others.length === 0) return only;
  throw new AppError(
    'not_found',
    `${only === undefined ? 'No' : 'More than one'} schedule is ${oneLine(text)}: there is ${ids.join(', ')}.`,
  );
}

function render(schedules: Schedule[]): string {
  const now = Date.now();
  const whenOf = ({ present, paused, next_at }: Schedule) => {
    if (!present) return 'never: `observatory set-up` makes it';
    return paused ? 'waits' : (next_at ?? '');
  };
  return table(schedules, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NEXT', text: whenOf },
    { title: 'LAST', text: ({ last_at }) => (last_at === null ? '' : ago(last_at, now)) },
    { title: 'WHAT FOR', text: ({ note }) => note },
  ]);
}
