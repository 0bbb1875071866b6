import type { EpisodeResource } from '../resources.ts';
import { Icon } from './icons.tsx';
import type { IconName } from './icons.tsx';
import { words } from './format.ts';

const TONES: Record<EpisodeResource['status'], { icon: IconName; tone: string }> = {
  queued: { icon: 'queued', tone: 'quiet' },
  running: { icon: 'running', tone: 'live' },
  waiting: { icon: 'waiting', tone: 'ask' },
  paused: { icon: 'paused', tone: 'ask' },
  completed: { icon: 'ok', tone: 'good' },
  failed: { icon: 'error', tone: 'bad' },
  cancelled: { icon: 'cancelled', tone: 'quiet' },
  stopped: { icon: 'stopped', tone: 'warn' },
};

/** An episode's status by icon, word and colour; a review that rejects has completed, and did not succeed. */
export function Status({ status, reason }: Readonly<{ status: EpisodeResource['status']; reason?: string | null }>) {
  const rejected = status === 'completed' && reason !== 'APPROVED' && reason !== undefined;
  const { icon, tone } = rejected ? { icon: 'error' as const, tone: 'bad' } : TONES[status];
  return (
    <span className={`status ${tone}`}>
      <Icon name={icon} className={status === 'running' ? 'turning' : ''} />
      {status}
    </span>
  );
}

/** Why an episode ended, in words. */
export function Outcome({ reason }: Readonly<{ reason: string | null }>) {
  if (reason === null) return <span className="dim">–</span>;
  return <span className={reason === 'APPROVED' ? 'good-text' : 'bad-text'}>{words(reason)}</span>;
}

const VERDICTS = {
  complete: { sign: '✓', tone: 'good', says: 'Nothing is missing: history, steps, traces and objects agree' },
  incomplete: { sign: '✗', tone: 'bad', says: 'Something is missing or does not agree' },
  unverified: { sign: '~', tone: 'warn', says: 'None disagrees, but not all could be asked' },
} as const;

/** The newest audit's verdict. */
export function CoverageBadge({ verdict }: Readonly<{ verdict: keyof typeof VERDICTS | undefined }>) {
  if (verdict === undefined) return <span className="dim">–</span>;
  const { sign, tone, says } = VERDICTS[verdict];
  return (
    <span className={`coverage ${tone}-text`} title={says}>
      {sign} <span className="coverage-word">{verdict}</span>
    </span>
  );
}
