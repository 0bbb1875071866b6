import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ago, between, compact, count, duration, moment, usd, words } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { CoverageBadge, Status } from '../parts/status.tsx';
import { Plain } from '../parts/text.tsx';
import type { CoverageResource, EpisodeResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';
import { ActionsBar } from './actions-bar.tsx';
import type { EpisodeState } from './store.ts';
import { hasEnded } from './use-episode.ts';
import { useNow } from './use-now.ts';
import { sentenceOf } from './why.ts';

type Props = Readonly<{ episode: EpisodeResource; steps: EpisodeState }>;

/** What an episode is, how it stands, and what one may do with it. */
export function EpisodeHeader({ episode, steps }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <header className="episode-head">
      <div className="title-line">
        <Status status={episode.status} reason={episode.terminal_reason} />
        <h1 className={open ? 'open' : ''}>
          <button
            type="button"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            title={open ? 'Less' : 'The whole task'}
          >
            <Plain>{episode.task}</Plain>
          </button>
        </h1>
        <ActionsBar episode={episode} />
      </div>
      <Standing episode={episode} steps={steps} />
      <Facts episode={episode} />
    </header>
  );
}

/** How it stands, in a sentence; while it runs, as of now. */
function Standing({ episode, steps }: Props) {
  const now = useNow(!hasEnded(episode));
  const tone = { failed: 'bad', stopped: 'warn', waiting: 'ask', paused: 'ask' }[episode.status as string] ?? '';
  return (
    <p className={`standing ${tone}`} aria-live="polite">
      <Plain>{sentenceOf(episode, steps.rows, now)}</Plain>
      {steps.link === 'lost' && <span className="bad-text"> The connection is lost; this is what was known last.</span>}
      {steps.link === 'live' && <span className="live-dot" title="What happens shows as it happens" />}
    </p>
  );
}

function Facts({ episode }: Readonly<{ episode: EpisodeResource }>) {
  const { started_at, ended_at, created_at, links } = episode;
  const tokens = episode.input_tokens + episode.output_tokens;
  return (
    <ul className="facts">
      <li>
        <b>{count(episode.step_count)}</b> {episode.step_count === 1 ? 'step' : 'steps'}
      </li>
      {started_at !== null && (
        <li title={`${moment(started_at)}${ended_at === null ? '' : ` – ${moment(ended_at)}`}`}>
          <b>{duration(between(started_at, ended_at))}</b>
        </li>
      )}
      <li>
        <b>{usd(episode.usd)}</b>
      </li>
      <li title={`${count(episode.input_tokens)} in, ${count(episode.output_tokens)} out`}>
        <b>{compact(tokens)}</b> tokens
      </li>
      <li title={moment(created_at)}>{ago(created_at)}</li>
      <li className="dim">
        {episode.agent} · <Plain>{episode.model}</Plain>
        {episode.seed === 0 ? '' : ` · seed ${episode.seed}`}
      </li>
      <Coverage episode={episode} />
      <Family episode={episode} />
      {episode.failure_class !== null && <li className="dim">{words(episode.failure_class)}</li>}
      {links.temporal !== null && <Outside href={links.temporal} name="Temporal" />}
      {links.langfuse !== null && <Outside href={links.langfuse} name="Trace" />}
      {links.self !== '' && <Outside href={`${links.self}/bundle`} name="Bundle" download />}
      {episode.tags.map((tag) => (
        <li key={tag}>
          <Link to="/episodes" search={{ tag }} className="tag">
            <Plain>{tag}</Plain>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Outside({ href, name, download = false }: Readonly<{ href: string; name: string; download?: boolean }>) {
  return (
    <li>
      <a href={href} {...(download ? { download: '' } : { target: '_blank', rel: 'noreferrer' })}>
        {name} <Icon name={download ? 'file' : 'link'} className="small" />
      </a>
    </li>
  );
}

/** Where an episode came from. */
function Family({ episode }: Readonly<{ episode: EpisodeResource }>) {
  const { parent_episode_id, generation_kind, forked_from_seq } = episode;
  if (parent_episode_id === null) return null;
  return (
    <li>
      <Link
        to="/episodes/$id"
        params={{ id: parent_episode_id }}
        hash={forked_from_seq ? `step=${forked_from_seq}` : ''}
      >
        <Icon name="fork" className="small" />{' '}
        {generation_kind === 'fork' ? `forked after step ${forked_from_seq}` : 're-run of another'}
      </Link>{' '}
      <Link to="/compare" search={{ a: parent_episode_id, b: episode.id }}>
        compare
      </Link>
    </li>
  );
}

/** The newest audit: whether anything is missing, and what. */
function Coverage({ episode }: Readonly<{ episode: EpisodeResource }>) {
  const source = useSource();
  const ended = hasEnded(episode);
  const { data } = useQuery({
    queryKey: ['coverage', episode.id],
    queryFn: () => source.coverage(episode.id),
    enabled: ended,
    refetchInterval: ({ state }) => (state.data === null ? 3_000 : false),
  });
  if (!ended) return null;
  if (!data) return <li className="dim">not audited yet</li>;
  return (
    <li>
      <details className="menu coverage-menu">
        <summary>
          <CoverageBadge verdict={data.verdict} />
        </summary>
        <div className="menu-body wide">
          <CoverageReport report={data} />
        </div>
      </details>
    </li>
  );
}

const FINDINGS_SHOWN = 20;

function CoverageReport({ report }: Readonly<{ report: CoverageResource }>) {
  const rest = report.finding_count - Math.min(report.findings.length, FINDINGS_SHOWN);
  return (
    <>
      <p className="dim">
        {report.counts.confirmed} of {report.counts.expected} observations are in the traces. Asked{' '}
        {ago(report.checked_at)}:
      </p>
      <ul className="witnesses">
        {Object.entries(report.witnesses).map(([name, answer]) => (
          <li key={name}>
            <b>{name}</b> {answer?.asked ? `${count(answer.items)} items` : `not asked: ${answer?.reason ?? ''}`}
          </li>
        ))}
      </ul>
      {report.findings.slice(0, FINDINGS_SHOWN).map((finding) => (
        <p key={`${finding.item}${finding.detail}`} className="bad-text">
          {finding.kind} in {finding.witness}: <Plain>{finding.detail}</Plain>
        </p>
      ))}
      {rest > 0 && (
        <p className="dim">
          {count(rest)} more: `observatory coverage {report.episode_id}` lists them.
        </p>
      )}
    </>
  );
}
