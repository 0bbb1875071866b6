import { setCurrentDetails } from '@temporalio/workflow';
import type { CallReport, EpisodeProgress, EpisodeRun, FailedCall, NextThinkers, Turn } from '../schemas/turn.ts';

/** Failed calls named one by one in a line; the server refuses a summary of more than 400 bytes. */
const NAMED_MAX = 2;
/** The most of a tool's name, which a model may make up. In UTF-16 units. */
const NAME_CHARS_MAX = 30;

/** What Temporal's Web UI shows of the thought that comes: its number and role, and the calls that failed before it. */
export function summaryOfThought(seq: number, { thinks, failed = [] }: EpisodeProgress): string {
  // Without a next role the graph only takes in the results of the calls, and ends: no step is recorded.
  const what = thinks === null ? 'end · takes in the last calls' : `${seq} · ${thinks ? `${thinks} thinks` : 'think'}`;
  const marks = failed.slice(0, NAMED_MAX).map(mark);
  const more = failed.length > NAMED_MAX ? [`✗ ${failed.length - NAMED_MAX} more`] : [];
  return [what, ...marks, ...more].join(' · ');
}

/** What Temporal's Web UI shows of the run while one looks at it. */
export function describe(run: EpisodeRun, progress: EpisodeProgress, doing: string): void {
  const { seq, tokens, usd, usd_unknown, failed = [] } = progress;
  const cost = usd_unknown ? 'an unknown amount of USD' : `${usd.toFixed(4)} USD`;
  const lines = [`step ${seq}`, `${tokens} tokens, ${cost}`, ...failed.map(mark)];
  const page = run.page_url === undefined ? [] : ['', `[The episode's page](${run.page_url})`];
  setCurrentDetails([doing, '', ...lines.map((line) => `- ${line}`), ...page].join('\n'));
}

/** Notes who thinks after this turn of the graph, as far as its calls change nothing. */
export function noteThought(progress: EpisodeProgress, { thought }: Turn): void {
  progress.failed = [];
  if (thought?.next) progress.thinks = thought.next.stays;
  else delete progress.thinks;
}

/** Notes the result of a call: whether it ended the turn, and whether it failed. */
export function noteCall(
  progress: EpisodeProgress,
  { call, report, next }: { call: { name: string }; report: CallReport; next: NextThinkers | undefined },
): void {
  if (report.ended && next) progress.thinks = next[report.ended];
  if (report.failed !== undefined)
    progress.failed = [...(progress.failed ?? []), { name: call.name.slice(0, NAME_CHARS_MAX), code: report.failed }];
}

const mark = ({ name, code }: FailedCall): string => `✗ ${name}: ${code}`;
