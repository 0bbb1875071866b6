import type { Command } from 'commander';
import type { Client, EpisodeAnswer } from '../client.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { renderEpisode, renderLogLine, renderStep, renderStepStart } from '../render.ts';
import { tailEpisode } from '../tail.ts';
import type { TailEvent } from '../tail.ts';
import { untilInterrupted } from '../watch.ts';

/** Adds `observatory episodes tail`. */
export function registerTail(episodes: Command, connect: () => Client): void {
  episodes
    .command('tail')
    .argument('<id>')
    .description('follow an episode’s steps and log lines, from its beginning until it ends')
    .option('--json', 'print one JSON object a line, the last one with the ended episode')
    .addHelpText(
      'after',
      examples(
        `observatory episodes tail ${EXAMPLE_ID}`,
        `observatory episodes tail ${EXAMPLE_ID} --json | jq -r 'select(.type == "log").text'`,
      ),
    )
    .action(async (id: string, { json }: { json?: true }) => {
      const ended = await untilInterrupted((signal) => follow(connect(), id, { signal, json: json ?? false }));
      if (!ended) {
        process.stderr.write(`The episode goes on without being followed.\n`);
        process.exitCode = 1;
      } else if (json) printJson({ type: 'episode_ended', stream_seq: ended.last_stream_seq, episode: ended });
      else print(`\n${renderEpisode(ended, [], { now: Date.now(), stream: process.stdout })}`);
    });
}

async function follow(
  client: Client,
  id: string,
  { signal, json }: { signal: AbortSignal; json: boolean },
): Promise<EpisodeAnswer> {
  const events = tailEpisode(client, id, signal);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
    if (json) printJson(value);
    else print(render(value));
  }
}

function render(event: TailEvent): string {
  if (event.type === 'log') return renderLogLine(event);
  return event.type === 'step_started' ? renderStepStart(event.step) : renderStep(event.step, process.stdout);
}
