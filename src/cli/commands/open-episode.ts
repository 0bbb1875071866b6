import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Option } from 'commander';
import type { Command } from 'commander';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer } from '../../client/client.ts';
import type { Environment } from '../../config/config.ts';
import { AppError } from '../../errors.ts';
import { takesEpisode } from '../episode-argument.ts';
import { EXAMPLE_ID, examples, pageOf, print, printJson } from '../output.ts';

const PLACES = ['page', 'temporal', 'trace'] as const;
type Place = (typeof PLACES)[number];

/** Adds `observatory episodes open`. */
export function registerOpenEpisode(episodes: Command, connect: () => Client, env: Environment): void {
  takesEpisode(episodes.command('open'), connect)
    .description('open an episode in the browser; without a screen its addresses are printed')
    .addOption(new Option('--in <place>', 'where to look at it').choices(PLACES).default('page'))
    .option('--print', 'print the addresses and open nothing')
    .option('--json', 'print the addresses as one JSON object and open nothing')
    .addHelpText('after', examples(`observatory episodes open ${EXAMPLE_ID} --in temporal`))
    .action(async (id: string, options: { in: Place; print?: true; json?: true }) => {
      const places = placesOf(await bodyOf(connect().v1.episodes[':id'].$get({ param: { id } })));
      if (options.json) return printJson(places);
      const address = places[options.in];
      if (address === null)
        throw new AppError('failed_precondition', `This deployment names no address for --in ${options.in}.`);
      if (options.print || !(await openInBrowser(address, env)))
        print(
          Object.entries(places)
            .map(([place, at]) => `${place.padEnd(9)} ${at ?? 'none is configured'}`)
            .join('\n'),
        );
      else print(address);
    });
}

const placesOf = (episode: EpisodeAnswer): Record<Place, string | null> => ({
  page: pageOf(episode),
  temporal: episode.links.temporal,
  trace: episode.links.langfuse,
});

/** Whether the system's own opener took the address; false where there is no screen, or no opener. */
async function openInBrowser(address: string, { DISPLAY, WAYLAND_DISPLAY }: Environment): Promise<boolean> {
  const darwin = process.platform === 'darwin';
  if (!darwin && !DISPLAY && !WAYLAND_DISPLAY) return false;
  const child = spawn(darwin ? 'open' : 'xdg-open', [address], { stdio: 'ignore', detached: true });
  child.unref();
  return once(child, 'spawn').then(
    () => true,
    () => false,
  );
}
