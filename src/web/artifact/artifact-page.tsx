import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Preview } from '../episode/details/preview.tsx';
import { Failure } from '../parts/failure.tsx';
import { bytes, moment } from '../parts/format.ts';
import { useParamsOf } from '../parts/params.ts';
import { Plain } from '../parts/text.tsx';
import { useSource } from '../source/context.tsx';
import { Lineage } from './lineage.tsx';
import '../episode/details/contents.css';
import './artifact.css';

const ScenePreview = lazy(async () => ({ default: (await import('./scene-preview.tsx')).ScenePreview }));

/** One object by its hash: what it is, what it looks like, where it came from and what came of it. */
export function ArtifactPage() {
  const { sha256 } = useParamsOf('sha256');
  const source = useSource();
  const { data: artifact, error } = useQuery({
    queryKey: ['artifact', sha256],
    queryFn: () => source.artifact(sha256),
    staleTime: Infinity,
  });
  // What it was called, and what for, is said by those who wrote or read it.
  const { data: lineage } = useQuery({
    queryKey: ['lineage', sha256, 1],
    queryFn: () => source.lineage?.(sha256, 1) ?? null,
  });
  if (error) return <Failure error={error} />;
  if (!artifact) return <p className="waiting-line">Reading the artifact…</p>;
  const self = lineage?.nodes.find((node) => node.sha256 === sha256);
  const files = [...(self?.written_by ?? []), ...(self?.read_by ?? [])].flatMap((step) => [
    ...step.outputs,
    ...step.inputs,
  ]);
  const named = files.find((file) => file.sha256 === sha256);
  const path = named?.path ?? self?.given_to[0]?.path ?? '';
  const kind = named?.kind ?? 'OTHER';
  const file = { ...artifact, path, kind };
  return (
    <div className="artifact">
      <header>
        <h1 className="mono">
          <Plain>{path || `${sha256.slice(0, 16)}…`}</Plain>
        </h1>
        <dl className="artifact-facts">
          <dt>SHA-256</dt>
          <dd className="mono">{sha256}</dd>
          <dt>Size</dt>
          <dd>{bytes(artifact.size_bytes)}</dd>
          <dt>Type</dt>
          <dd>
            {artifact.content_type}, {kind.toLowerCase()}
          </dd>
          <dt>Stored</dt>
          <dd>{moment(artifact.created_at)}</dd>
          {artifact.uri !== '' && (
            <>
              <dt>Object</dt>
              <dd className="mono">{artifact.uri}</dd>
            </>
          )}
        </dl>
      </header>
      {kind === 'GLB' || path.endsWith('.glb') ? (
        <Suspense fallback={<p className="waiting-line">Reading the scene…</p>}>
          <ScenePreview sha256={sha256} />
        </Suspense>
      ) : (
        <Preview key={sha256 + kind} file={file} />
      )}
      {source.lineage && <Lineage sha256={sha256} read={source.lineage} />}
    </div>
  );
}
