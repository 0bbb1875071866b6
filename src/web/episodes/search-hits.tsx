import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Failure } from '../parts/failure.tsx';
import { ago, shortId } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/text.tsx';
import { useSource } from '../source/context.tsx';

const SHOWN = 6;

/** Where the words stand in steps and logs, each with its line; what filters the list below looks at tasks only. */
export function SearchHits({ q }: Readonly<{ q: string }>) {
  const source = useSource();
  const { data, error } = useQuery({ queryKey: ['search', q], queryFn: () => source.search(q) });
  if (error) return <Failure error={error} />;
  const hits = data?.items.filter(({ kind }) => kind !== 'episode') ?? [];
  if (hits.length === 0) return null;
  const more = hits.length - SHOWN;
  return (
    <section className="hits" aria-label="Found in steps and logs">
      <h2>Found in steps and logs</h2>
      <ul>
        {hits.slice(0, SHOWN).map((hit) => (
          <li key={`${hit.kind}${hit.episode_id}${hit.seq}${hit.stream_seq}`}>
            <Link
              to="/episodes/$id"
              params={{ id: hit.episode_id }}
              hash={hit.seq === null ? '' : `step=${hit.seq}${hit.kind === 'log' ? '&tab=logs' : ''}`}
            >
              <Icon name={hit.kind === 'log' ? 'tool_call' : 'thought'} />
              <span className="dim">
                …{shortId(hit.episode_id)} {hit.seq !== null && `step ${hit.seq}`}
              </span>
              <span className="hit-text">
                <Marked text={hit.text} q={q} />
              </span>
              <span className="dim">{ago(hit.at)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {(more > 0 || data?.next_cursor) && (
        <p className="dim">
          {more > 0 ? `${more} more` : 'More'} of them{data?.next_cursor ? ', and others beyond' : ''}: narrow the
          words.
        </p>
      )}
    </section>
  );
}

/** The text with the words that were looked for marked in it. */
function Marked({ text, q }: Readonly<{ text: string; q: string }>) {
  const looked = q.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (looked.length === 0) return <Plain>{text}</Plain>;
  const pattern = new RegExp(`(${looked.join('|')})`, 'giu');
  return text.split(pattern).map((part, place) => {
    const key = `${place}`;
    return place % 2 === 1 ? <mark key={key}>{part}</mark> : <Plain key={key}>{part}</Plain>;
  });
}
