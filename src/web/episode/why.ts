import { ago, duration, words } from '../parts/format.ts';
import type { EpisodeResource } from '../resources.ts';
import type { Row } from './rows.ts';

/** A step that has run for longer than this is spoken of as slow. */
const SLOW_MS = 60_000;

/** In one sentence where an episode stands, and what it waits for. */
export function sentenceOf(episode: EpisodeResource, rows: readonly Row[], now: number): string {
  const running = rows.filter(({ status }) => status === 'running');
  const person = running.find(({ kind }) => kind === 'human');
  const name = (row: Row) => `step ${row.seq} (${row.name})`;
  switch (episode.status) {
    case 'queued':
      return `Accepted ${ago(episode.created_at, now)}; no worker has begun it yet. If that lasts, Temporal or the workers are away.`;
    case 'paused':
      return `Paused by a person${person?.text ? `: “${person.text}”` : ''}. It goes on when somebody resumes it.`;
    case 'waiting':
      return person
        ? `Waits for a person: ${name(person)} ${person.name === 'approval' ? 'asks to be approved' : 'asks a question'}.`
        : 'Waits for a person.';
    case 'running': {
      const [step] = running;
      if (!step) return 'Runs; between two steps.';
      const since = now - Date.parse(episode.created_at) - step.at_ms;
      const tries =
        step.attempts > 1 ? `, at its attempt ${step.attempts} after ${step.attempts - 1} that did not end it` : '';
      const slow = since > SLOW_MS ? ` for ${duration(since)}` : '';
      return `Works on ${name(step)}${slow}${tries}.`;
    }
    case 'failed':
    case 'stopped':
    case 'cancelled':
      return episode.failure?.message ?? `Ended: ${words(episode.terminal_reason ?? episode.status)}.`;
    default:
      return episode.terminal_reason === 'APPROVED'
        ? 'The reviewers approved the work.'
        : `Ended: ${words(episode.terminal_reason ?? 'completed')}.`;
  }
}
