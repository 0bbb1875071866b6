import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { count } from '../parts/format.ts';
import { Plain } from '../parts/text.tsx';
import type { Source } from '../source/source.ts';
import { CARD, toGraph } from './lineage-layout.ts';
import type { Edge } from './lineage-layout.ts';

const DEPTHS = [1, 2, 3, 4, 5];

/** Where a file came from and what came of it, as a graph: files, and between them the steps. Press one to go there. */
export function Lineage({ sha256, read }: Readonly<{ sha256: string; read: NonNullable<Source['lineage']> }>) {
  const [depth, setDepth] = useState(2);
  const { data, error } = useQuery({
    queryKey: ['lineage', sha256, depth],
    queryFn: () => read(sha256, depth),
    placeholderData: (before) => before,
  });
  const graph = useMemo(() => data && toGraph(data), [data]);
  if (error) return <Failure error={error} />;
  if (!graph || !data) return <p className="waiting-line">Reading where it came from…</p>;
  return (
    <section className="lineage">
      <h2>
        Where it came from, and what came of it{' '}
        <select aria-label="Steps up and down" value={depth} onChange={({ target }) => setDepth(Number(target.value))}>
          {DEPTHS.map((each) => (
            <option key={each} value={each}>
              {each === 1 ? 'one step' : `${each} steps`}
            </option>
          ))}
        </select>
      </h2>
      {data.truncated && <p className="warn-text">There is more than is shown: the nearest are.</p>}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls */}
      <div className="lineage-scroller" tabIndex={0} role="group" aria-label="Lineage">
        <div className="lineage-graph" style={{ width: graph.width, height: graph.height }}>
          <svg width={graph.width} height={graph.height} aria-hidden="true">
            {graph.edges.map((edge) => (
              <path key={`${edge.from.sha256}${edge.to.sha256}`} d={lineOf(edge)} />
            ))}
          </svg>
          {graph.files.map(({ sha256: hash, path, node, x, y }) => (
            <Link
              key={hash}
              to="/artifacts/$sha256"
              params={{ sha256: hash }}
              className={`lineage-file ${hash === sha256 ? 'here' : ''}`}
              style={{ transform: `translate(${x}px, ${y}px)`, width: CARD.width, height: CARD.height }}
              title={path}
            >
              <span className="mono lineage-path">
                <Plain>{path.split('/').at(-1) ?? path}</Plain>
              </span>
              <span className="dim">{writerOf(node)}</span>
            </Link>
          ))}
        </div>
      </div>
      <Links data={data} sha256={sha256} />
    </section>
  );
}

type Data = Awaited<ReturnType<NonNullable<Source['lineage']>>>;

const writerOf = ({ written_by: [step], given_to }: Data['nodes'][number]): string =>
  step ? `step ${step.seq} · ${step.name}` : given_to.length > 0 ? 'given to an episode' : 'nobody on record';

function lineOf({ from, to }: Edge): string {
  const [x1, y1, x2, y2] = [from.x + CARD.width, from.y + CARD.height / 2, to.x, to.y + CARD.height / 2];
  const bend = (x1 + x2) / 2;
  return `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
}

/** The steps that wrote and read it, and the episodes that began with it. */
function Links({ data, sha256 }: Readonly<{ data: Data; sha256: string }>) {
  const self = data.nodes.find((node) => node.sha256 === sha256);
  if (!self) return <p className="dim">No step wrote or read it.</p>;
  return (
    <div className="lineage-links">
      {(
        [
          ['Written by', self.written_by],
          ['Read by', self.read_by],
        ] as const
      ).map(([title, steps]) => (
        <section key={title}>
          <h3>
            {title} {steps.length > 0 && <span className="dim">{count(steps.length)}</span>}
          </h3>
          {steps.length === 0 && <p className="dim">no step on record</p>}
          <ul>
            {steps.map((step) => (
              <li key={`${step.episode_id}${step.seq}${step.path}`}>
                <Link to="/episodes/$id" params={{ id: step.episode_id }} hash={`step=${step.seq}&tab=artifacts`}>
                  step {step.seq} {step.name}
                </Link>{' '}
                <span className="dim">
                  of {step.agent}, try {step.attempt}
                  {step.worker !== null && `, on ${step.worker}`}
                  {step.build !== null && `, build ${step.build}`}
                  {step.superseded && ', superseded'}
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {self.given_to.length > 0 && (
        <section>
          <h3>Given to</h3>
          <ul>
            {self.given_to.map(({ episode_id, path }) => (
              <li key={episode_id + path}>
                <Link to="/episodes/$id" params={{ id: episode_id }}>
                  episode …{episode_id.slice(-8)}
                </Link>{' '}
                <span className="dim mono">{path}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
