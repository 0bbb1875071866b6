import type { EpisodeAnswer, LogLineAnswer, StepAnswer } from '../client/client.ts';
import { stuckSentence } from '../schemas/workflow-state.ts';
import type { StatusChange } from '../schemas/stream.ts';
import { renderAsked, renderPlight } from './render-step.ts';
import { ago, coloured, duration, oneLine, printable, table } from './text.ts';
import type { Column } from './text.ts';

// How episodes and steps look to people.

/** The width that tables are cut to: a terminal's own; a file or pipe gets everything. */
const widthOf = (stream: NodeJS.WriteStream): number | undefined => (stream.isTTY ? stream.columns : undefined);

/** A table of episodes as seen at `now` (Unix milliseconds). */
export function renderEpisodes(episodes: EpisodeAnswer[], now: number, stream: NodeJS.WriteStream): string {
  const columns: Column<EpisodeAnswer>[] = [
    { title: 'ID', text: ({ id }) => id },
    { title: 'STATUS', text: ({ status }) => status, paint: (cell, { status }) => coloured(cell, status, stream) },
    { title: 'OUTCOME', text: ({ terminal_reason }) => terminal_reason ?? '' },
    { title: 'STEPS', right: true, text: ({ step_count }) => String(step_count) },
    { title: 'CREATED', text: ({ created_at }) => ago(created_at, now) },
    { title: 'MODEL', text: ({ model }) => model },
    { title: 'TASK', text: ({ task }) => task },
  ];
  return table(episodes, columns, widthOf(stream));
}

/** What there is to say of one episode, the verdicts of its replays, and the table of its steps. */
export function renderEpisode(
  episode: EpisodeAnswer,
  steps: StepAnswer[],
  { now, stream, replays = [] }: { now: number; stream: NodeJS.WriteStream; replays?: { sentence: string }[] },
): string {
  const { failure, terminal_reason, started_at, ended_at } = episode;
  const status = coloured(episode.status, episode.status, stream);
  const facts: [string, string | null][] = [
    ['Episode', episode.id],
    ['Status', terminal_reason === null ? status : `${status} (${terminal_reason})`],
    ['Failure', failure && `${failure.code}: ${oneLine(failure.message)}`],
    ['Stuck', episode.stuck && oneLine(stuckSentence(episode.stuck))],
    ['Task', oneLine(episode.task)],
    ['Agent', `${oneLine(episode.agent)}, model ${oneLine(episode.model)}, seed ${episode.seed}`],
    ['From', originOf(episode)],
    ['Tags', episode.tags.map(oneLine).join(', ') || null],
    ['Created', ago(episode.created_at, now)],
    ['Duration', started_at && duration((ended_at === null ? now : Date.parse(ended_at)) - Date.parse(started_at))],
    ['Steps', `${episode.step_count} in ${episode.attempt_count} attempts`],
    ['Files', String(episode.artifact_count)],
    ['Log lines', String(episode.log_line_count)],
    ['Events', String(episode.event_count)],
    ['Usage', usageOf(episode)],
    ['Waits', waitOf(episode)],
    ...replays.map(({ sentence }): [string, string] => ['Replay', oneLine(sentence)]),
    ['Link', episode.links.self],
    ['Temporal', episode.links.temporal],
  ];
  const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`${`${name}:`.padEnd(11)}${value}`]));
  if (steps.length === 0) return lines.join('\n');
  return [lines.join('\n'), '', renderSteps(steps, stream), ...renderPlights(steps)].join('\n');
}

/** What failed and why, and what is waited for: below the table, where there is room for it. */
function renderPlights(steps: StepAnswer[]): string[] {
  const told = steps.flatMap((step) => {
    const plight = renderPlight(step);
    const failed = step.error && `  Step ${step.seq}, ${oneLine(step.name)} of ${oneLine(step.agent)}:\n`;
    return plight === '' ? [] : [`${failed ?? ''}${plight}`];
  });
  return told.length === 0 ? [] : ['', ...told];
}

/** What was used: tokens, of which cached and of reasoning, and dollars where they are known. */
function usageOf({ input_tokens, cached_tokens, output_tokens, reasoning_tokens, usd }: EpisodeAnswer): string {
  const kinds = [
    ...(cached_tokens > 0 ? [`${cached_tokens} cached`] : []),
    ...(reasoning_tokens > 0 ? [`${reasoning_tokens} of reasoning`] : []),
  ];
  const tokens = `${input_tokens + output_tokens} tokens${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`;
  return `${tokens}, ${usd === null ? 'an unknown amount of' : usd} USD`;
}

/** What a running episode waits for; null while it waits for nothing. */
function waitOf({ waiting_for }: EpisodeAnswer): string | null {
  if (!waiting_for) return null;
  const { seq, model, attempt, reason, next_try_at } = waiting_for;
  return `step ${seq} for ${oneLine(model ?? 'its tool')} after try ${attempt}, next at ${next_try_at}: ${oneLine(reason)}`;
}

/** Where an episode comes from; null for one that began by itself. */
function originOf(episode: EpisodeAnswer): string | null {
  const { generation_kind, parent_episode_id, forked_from_seq, recorded_until, recorded_miss } = episode;
  if (generation_kind === 'fork') return `fork of ${parent_episode_id} after step ${forked_from_seq}`;
  if (generation_kind !== 'rerun') return null;
  const missed = recorded_miss ? `; live from step ${recorded_miss.seq}: ${oneLine(recorded_miss.reason)}` : '';
  return `re-run of ${parent_episode_id}, recorded until step ${recorded_until}${missed}`;
}

function renderSteps(steps: StepAnswer[], stream: NodeJS.WriteStream): string {
  const columns: Column<StepAnswer>[] = [
    { title: 'STEP', right: true, text: ({ seq }) => String(seq) },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'AGENT', text: ({ agent }) => agent },
    { title: 'NAME', text: ({ name }) => name },
    {
      title: 'STATUS',
      text: ({ status, status_detail, served_from }) =>
        [
          status,
          ...(status_detail === null ? [] : [status_detail]),
          ...(served_from === null ? [] : ['recorded']),
        ].join(', '),
      paint: (cell, { status }) => coloured(cell, status, stream),
    },
    { title: 'TRIES', right: true, text: ({ attempt_count }) => String(attempt_count) },
    { title: 'TOOK', right: true, text: tookOf },
    { title: 'FILES', text: ({ artifacts }) => artifacts.map(({ path }) => path).join(' ') },
  ];
  return table(steps, columns, widthOf(stream));
}

/** The line of a step that has ended. */
export function renderStep(step: StepAnswer, stream: NodeJS.WriteStream): string {
  const { seq, kind, agent, name, status, status_detail, error } = step;
  const what = `${String(seq).padStart(4)}  ${kind.padEnd(10)}  ${oneLine(agent).padEnd(27)}  ${oneLine(name).padEnd(23)}`;
  const why = error || status_detail !== null ? `  ${oneLine(error?.message ?? status_detail ?? '')}` : '';
  return `${what}  ${coloured(status.padEnd(9), status, stream)}  ${tookOf(step)}${why}`;
}

/** The line of a step that begins; where it waits for a person, also what for and how it is answered. */
export function renderStepStart(
  step: Pick<StepAnswer, 'episode_id' | 'seq' | 'kind' | 'agent' | 'name' | 'input'>,
): string {
  const { seq, kind, agent, name } = step;
  const line = `${String(seq).padStart(4)}  ${kind.padEnd(10)}  ${oneLine(agent).padEnd(27)}  ${oneLine(name).padEnd(23)}  begins`;
  const asked = kind === 'human' ? renderAsked(step) : '';
  return asked === '' ? line : `${line}\n${asked}`;
}

/** A log line after the number of its step, and of the try where it was not the first. */
export function renderLogLine({ seq, attempt, stream, text }: LogLineAnswer): string {
  const where = seq === null ? '' : `${seq}${attempt > 1 ? `#${attempt}` : ''}`;
  return `${where.padStart(6)}  ${stream.padEnd(6)}  ${printable(text)}`;
}

/** The line of a status of the episode. */
export function renderStatus({ status, terminal_reason }: StatusChange, stream: NodeJS.WriteStream): string {
  const outcome = terminal_reason === null ? '' : ` (${terminal_reason})`;
  return `      The episode is ${coloured(status, status, stream)}${outcome}.`;
}

/** An event after the number of its step: when it happened, what it is and what it says, on one line. */
export function renderEvent(event: {
  seq: number | null;
  occurred_at: string;
  type: string;
  payload: object;
  sanitized: boolean;
}): string {
  const { seq, occurred_at, type, payload, sanitized } = event;
  const mark = sanitized ? '  (not all of it: its exact bytes are kept)' : '';
  return `${String(seq ?? '').padStart(6)}  ${occurred_at}  ${oneLine(type).padEnd(28)}  ${oneLine(JSON.stringify(payload))}${mark}`;
}

function tookOf({ started_at, ended_at }: StepAnswer): string {
  return ended_at === null ? '' : duration(Date.parse(ended_at) - Date.parse(started_at));
}
