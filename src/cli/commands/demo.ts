import type { Command } from 'commander';
import { AppError } from '../../errors.ts';
import type { Environment } from '../../config/config.ts';
import { bodyOf, createClient } from '../../client/client.ts';
import type { Client, EpisodeAnswer, StepAnswer } from '../../client/client.ts';
import { findConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { demoRequest } from '../demo-inputs.ts';
import { awaitCoverage, findCoverage } from '../coverage.ts';
import type { Coverage } from '../coverage.ts';
import { followEpisode, listAllSteps } from '../follow.ts';
import { renderStep } from '../render.ts';
import { uploadInputs } from '../upload.ts';

/** The demo's episode takes a minute or two; one that takes longer hangs. */
const DEMO_MS_MAX = 10 * 60_000;

type DemoOptions = { ifNone?: true; json?: true };

/** Adds `observatory demo`. */
export function registerDemo(program: Command, env: Environment): void {
  program
    .command('demo [example]')
    .description(
      'run the demo episode, or another of the examples, follow it, and check that everything of it is on record',
    )
    .option('--if-none', 'only when there is no episode yet')
    .option('--json', 'print the outcome as one JSON object, and progress to standard error')
    .action(async (example: string | undefined, options: DemoOptions) => {
      const connection = findConnection(env);
      const stream = options.json ? process.stderr : process.stdout;
      const client = createClient(connection);
      if (options.ifNone && (await hasEpisodes(client))) {
        const skipped = 'There are episodes already.';
        process.stdout.write(`${options.json ? JSON.stringify({ skipped }) : skipped}\n`);
        return;
      }
      const { episode, steps } = await runDemo(client, stream, example);
      const missing = await findMissing(connection, episode, steps);
      // What is not on record will not be covered either, however long one waits.
      const tell = (line: string) => void stream.write(`${line}\n`);
      const audited =
        missing.length === 0 ? awaitCoverage(client, episode.id, { tell }) : findCoverage(client, episode.id);
      const coverage = coverageOf(await audited);
      const outcome = { episode, steps, coverage };
      if (options.json) process.stdout.write(`${JSON.stringify(summaryOf(outcome))}\n`);
      else stream.write(renderSummary({ ...outcome, missing }));
      if (options.json && missing.length > 0) process.stderr.write(`Not on record: ${missing.join('; ')}\n`);
      const whole = missing.length === 0 && coverage.verdict === 'complete';
      if (episode.terminal_reason !== 'APPROVED' || !whole) process.exitCode = 1;
    });
}

async function hasEpisodes(client: Client): Promise<boolean> {
  const { items } = await bodyOf(client.v1.episodes.$get({ query: { limit: '1' } }));
  return items.length > 0;
}

async function runDemo(client: Client, stream: NodeJS.WriteStream, example?: string) {
  const { request, files } = await demoRequest(example);
  const inputs = await uploadInputs(client, files);
  const { id } = await bodyOf(client.v1.episodes.$post({ json: { ...request, inputs }, header: {} }));
  stream.write(`Demo episode ${id}\n`);
  const signal = AbortSignal.timeout(DEMO_MS_MAX);
  const onStep = (step: StepAnswer) => void stream.write(`${renderStep(step, stream)}\n`);
  const episode = await followEpisode(client, id, { onStep, signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    throw new AppError('deadline_exceeded', `The demo episode has not ended after ${DEMO_MS_MAX / 60_000} minutes.`);
  });
  return { episode, steps: await listAllSteps(client, id) };
}

/** What should be on record and is not, in words; nothing when every step has ended, in its place, with all its files. */
async function findMissing(connection: Connection, episode: EpisodeAnswer, steps: StepAnswer[]): Promise<string[]> {
  const missing = steps.flatMap(({ seq, status }, index) => [
    ...(seq === index + 1 ? [] : [`step ${index + 1} (found ${seq} in its place)`]),
    ...(status === 'running' ? [`the end of step ${seq}`] : []),
  ]);
  if (steps.length === 0) missing.push('any step');
  if (steps.length !== episode.step_count) missing.push(`${episode.step_count} steps (found ${steps.length})`);
  const seen = new Set<string>();
  for (const { seq, artifacts } of steps)
    for (const { href, path } of artifacts) {
      if (seen.has(href)) continue;
      seen.add(href);
      // Answered from the row and the object together, without the bytes.
      const answer = await fetch(`${connection.url}${href}`, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${connection.key}` },
      });
      if (!answer.ok) missing.push(`${path} of step ${seq}`);
    }
  return missing;
}

/** The newest audit in numbers, with a verdict of its own where there is none: within a minute there should be. */
function coverageOf(report: Coverage | undefined) {
  if (!report) return { verdict: 'unaudited' as const, expected: 0, confirmed: 0, missing: 0, doubled: 0, orphaned: 0 };
  const { expected, confirmed, missing, doubled, orphaned } = report.counts;
  return { verdict: report.verdict, expected, confirmed, missing, doubled, orphaned };
}

type Outcome = { episode: EpisodeAnswer; steps: StepAnswer[]; coverage: ReturnType<typeof coverageOf> };

function summaryOf({ episode, steps, coverage }: Outcome) {
  return {
    episode_id: episode.id,
    workflow_id: episode.workflow_id,
    status: episode.status,
    terminal_reason: episode.terminal_reason,
    steps: steps.length,
    attempts: episode.attempt_count,
    artifacts: steps.reduce((sum, { artifacts }) => sum + artifacts.length, 0),
    log_lines: episode.log_line_count,
    video_url: lastVideo(steps)?.uri ?? null,
    coverage,
    links: episode.links,
  };
}

const lastVideo = (steps: StepAnswer[]) =>
  steps.flatMap(({ artifacts }) => artifacts).findLast(({ kind, role }) => kind === 'VIDEO' && role === 'output');

function renderSummary({ missing, ...outcome }: Outcome & { missing: string[] }): string {
  const { episode, steps, coverage } = outcome;
  const { attempts, artifacts, log_lines } = summaryOf(outcome);
  const video = lastVideo(steps);
  const lines = [
    '',
    `The episode ${episode.status} (${episode.terminal_reason ?? 'without a reason'}).`,
    missing.length === 0
      ? `On record: ${steps.length} steps, ${attempts} attempts, ${artifacts} files, ${log_lines} log lines; nothing is missing.`
      : `NOT on record: ${missing.join('; ')}.`,
    `In Langfuse: ${coverage.confirmed} of ${coverage.expected} spans; coverage is ${coverage.verdict}.`,
    ...(episode.links.temporal === null ? [] : [`  Temporal  ${episode.links.temporal}`]),
    ...(episode.links.langfuse === null ? [] : [`  Trace     ${episode.links.langfuse}`]),
    // What is printed opens, or runs, as it is: the API's own addresses want a key.
    `  Steps     npm run observatory -- episodes show ${episode.id}`,
    ...(video ? [`  Video     npm run observatory -- episodes files get ${episode.id} ${video.path}`] : []),
    '',
  ];
  return lines.join('\n');
}
