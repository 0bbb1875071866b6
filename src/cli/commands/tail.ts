import type { Command } from 'commander';
import type { StreamFrame } from '../../api/routes/stream.ts';
import { bodyOf } from '../../client/client.ts';
import type { Client, EpisodeAnswer } from '../../client/client.ts';
import { takesEpisode } from '../episode-argument.ts';
import { followStream } from '../../client/stream.ts';
import { EXAMPLE_ID, examples, print, printJson } from '../output.ts';
import { renderEpisode, renderEvent, renderLogLine, renderStatus, renderStep, renderStepStart } from '../render.ts';
import { untilInterrupted } from '../watch.ts';

/** Adds `observatory episodes tail`. */
export function registerTail(episodes: Command, connect: () => Client): void {
  takesEpisode(episodes.command('tail'), connect)
    .description('follow an episode’s steps, log lines and events, from its beginning until it ends')
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
  for await (const frame of followStream(client, id, { signal })) {
    if (json) printJson(frame);
    else if (frame.type !== 'words') print(render(frame)); // what is said is printed when it is whole
  }
  return bodyOf(client.v1.episodes[':id'].$get({ param: { id } }));
}

function render(frame: Exclude<StreamFrame, { type: 'words' }>): string {
  if (frame.type === 'log') return renderLogLine(frame);
  if (frame.type === 'event') return renderEvent(frame.event);
  if (frame.type === 'status') return renderStatus(frame, process.stdout);
  return frame.type === 'step_started' ? renderStepStart(frame.step) : renderStep(frame.step, process.stdout);
}
