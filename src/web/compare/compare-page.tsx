import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { ago, between, count, duration, usd, words } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Outcome, Status } from '../parts/status.tsx';
import { Plain } from '../parts/text.tsx';
import type { ComparisonResource, EpisodeResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';
import { ChangedFiles } from './changed-files.tsx';
import { Films } from './films.tsx';
import { Pairs } from './pairs.tsx';
import '../episode/details/details.css';
import '../episode/details/contents.css';
import '../episode/physics/physics.css';
import './compare.css';

/** Two episodes side by side: `/compare?a=&b=`. */
export function ComparePage() {
  const { a = '', b = '' }: { a?: string; b?: string } = useSearch({ strict: false });
  if (a === '' || b === '') return <Choose one={a || b} />;
  return <Compared key={`${a} ${b}`} a={a} b={b} />;
}

function Compared({ a, b }: Readonly<{ a: string; b: string }>) {
  const source = useSource();
  const { data, error } = useQuery({
    queryKey: ['compare', a, b],
    queryFn: async () => {
      const [comparison, one, other] = await Promise.all([source.compare(a, b), source.episode(a), source.episode(b)]);
      return { comparison, one, other };
    },
  });
  if (error) return <Failure error={error} />;
  if (!data) return <p className="waiting-line">Comparing…</p>;
  const { comparison, one, other } = data;
  return (
    <div className="compare">
      <header className="compare-head">
        <Side name="a" episode={one} />
        <Side name="b" episode={other} />
        <Link to="/compare" search={{ a: b, b: a }} className="button swap">
          Swap
        </Link>
      </header>
      <Facts comparison={comparison} />
      <Films a={a} b={b} steps={comparison.steps} />
      <Pairs a={a} b={b} comparison={comparison} />
      <ChangedFiles files={comparison.files} />
    </div>
  );
}

function Side({ name, episode }: Readonly<{ name: 'a' | 'b'; episode: EpisodeResource }>) {
  const { id, started_at, ended_at } = episode;
  return (
    <section className="compare-side" aria-label={`Episode ${name}`}>
      <p>
        <span className="side-name">{name}</span> <Status status={episode.status} reason={episode.terminal_reason} />
        <Outcome reason={episode.terminal_reason} />
        <span className="dim">{ago(episode.created_at)}</span>
      </p>
      <h1>
        <Link to="/episodes/$id" params={{ id }}>
          <Plain>{episode.task.slice(0, 300)}</Plain>
        </Link>
      </h1>
      <p className="dim">
        {count(episode.step_count)} steps · {started_at === null ? '–' : duration(between(started_at, ended_at))} ·{' '}
        {usd(episode.usd)} · {count(episode.input_tokens + episode.output_tokens)} tokens
        {episode.forked_from_seq !== null && ` · forked after step ${episode.forked_from_seq}`}
      </p>
    </section>
  );
}

function Facts({ comparison: { facts } }: Readonly<{ comparison: ComparisonResource }>) {
  if (facts.length === 0) return null;
  return (
    <section>
      <h2>What differs of the episodes</h2>
      <table className="fact-table">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">a</th>
            <th scope="col">b</th>
          </tr>
        </thead>
        <tbody>
          {facts.map(({ member, a, b }) => (
            <tr key={member}>
              <th scope="row">{words(member)}</th>
              {[a, b].map((value, index) => (
                <td key={index}>
                  <Plain>{typeof value === 'string' ? value : JSON.stringify(value)}</Plain>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Which other episode: the newest ones, those that are related to the first at the head. */
function Choose({ one }: Readonly<{ one: string }>) {
  const source = useSource();
  const navigate = useNavigate();
  const [first, setFirst] = useState(one);
  const { data, error } = useQuery({ queryKey: ['compare-with'], queryFn: () => source.episodes({}, undefined) });
  if (error) return <Failure error={error} />;
  const choose = (id: string) =>
    first === '' ? setFirst(id) : void navigate({ to: '/compare', search: { a: first, b: id } });
  const related = ({ id, parent_episode_id }: EpisodeResource) =>
    Number(parent_episode_id === first || data?.items.find((each) => each.id === first)?.parent_episode_id === id);
  const others = (data?.items ?? [])
    .filter(({ id }) => id !== first)
    .toSorted((left, right) => related(right) - related(left));
  return (
    <div className="compare choose">
      <h1>{first === '' ? 'Compare which episode?' : 'Compare it with which?'}</h1>
      {data && others.length === 0 && <p className="waiting-line">There is no other episode yet.</p>}
      <ul>
        {others.map((episode) => (
          <li key={episode.id}>
            <button type="button" onClick={() => choose(episode.id)}>
              <Status status={episode.status} reason={episode.terminal_reason} />
              <span className="choose-task">
                <Plain>{episode.task.slice(0, 200)}</Plain>
              </span>
              {first !== '' && related(episode) > 0 && (
                <span className="chip">
                  <Icon name="fork" className="small" /> related
                </span>
              )}
              <span className="dim">{ago(episode.created_at)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
