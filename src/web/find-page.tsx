import { useQuery } from '@tanstack/react-query';
import { Navigate } from '@tanstack/react-router';
import { AppError } from '../errors.ts';
import { Failure } from './parts/failure.tsx';
import { useParamsOf } from './parts/params.ts';
import { useSource } from './source/context.tsx';
import type { Source } from './source/source.ts';

/** Where ids of other systems lead: `/r/trace/:id`, `/r/workflow/:id/:run`, `/r/object/:sha256`. */
export function FindPage() {
  const source = useSource();
  const { kind, id } = useParamsOf('kind', 'id');
  const { data, error } = useQuery({ queryKey: ['find', kind, id], queryFn: () => find(source, kind, id) });
  if (error) return <Failure error={error} />;
  if (data === undefined) return <p className="waiting-line">Looking it up…</p>;
  return <Navigate to={data} replace />;
}

const WORKFLOW_PREFIX = 'episode-';

async function find(source: Source, kind: string, id: string): Promise<string> {
  if (kind === 'object') return `/artifacts/${id}`;
  if (kind === 'workflow' && id.startsWith(WORKFLOW_PREFIX)) return `/episodes/${id.slice(WORKFLOW_PREFIX.length)}`;
  const episode = kind === 'trace' ? await source.episodeOfTrace(id) : null;
  if (episode === null) throw new AppError('not_found', `No episode on record has the ${kind} ${id}.`);
  return `/episodes/${episode}`;
}
