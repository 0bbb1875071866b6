import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { AppError } from '../../../errors.ts';
import type { WorkspaceFile } from '../../../schemas/workspace.ts';
import { bytes } from '../../parts/format.ts';
import { Plain } from '../../parts/text.tsx';
import { useSource } from '../../source/context.tsx';

const FileDiff = lazy(async () => ({ default: (await import('./file-diff.tsx')).FileDiff }));

/** A file that a step added, changed or removed: what it was, and what it is. */
type Change = { path: string; before: WorkspaceFile | undefined; after: WorkspaceFile | undefined };

/** What a step changed in the workspace: its manifest before held against the one after. Nothing where it changed nothing. */
export function Changes({ episodeId, seq }: Readonly<{ episodeId: string; seq: number }>) {
  const source = useSource();
  const { data } = useQuery({
    queryKey: ['changes', episodeId, seq],
    queryFn: async () => {
      const [before, after] = await Promise.all([
        source.workspace(episodeId, seq - 1),
        source.workspace(episodeId, seq),
      ]);
      return before.sha256 === after.sha256 ? [] : changesOf(before.files, after.files);
    },
    staleTime: Infinity,
    // Of a step that has none to be compared, and of one whose objects are gone, no change can be shown.
    retry: (tries, error) => tries < 2 && !(error instanceof AppError),
  });
  if (!data || data.length === 0) return null;
  return (
    <section>
      <h3>Changed files</h3>
      <ul className="changes">
        {data.map((change) => (
          <ChangedFile key={change.path} {...change} />
        ))}
      </ul>
    </section>
  );
}

function ChangedFile({ path, before, after }: Readonly<Change>) {
  const [open, setOpen] = useState(false);
  const sign = before === undefined ? '+' : after === undefined ? '−' : '±';
  const size = (after?.size_bytes ?? 0) - (before?.size_bytes ?? 0);
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className={sign === '+' ? 'good-text' : sign === '−' ? 'bad-text' : 'warn-text'}>{sign}</span>
        <span className="mono">
          <Plain>{path}</Plain>
        </span>
        <span className="dim">
          {size < 0 ? '−' : '+'}
          {bytes(Math.abs(size))}
        </span>
      </button>
      {open && (
        <Suspense fallback={<p className="waiting-line">Comparing…</p>}>
          <FileDiff path={path} before={before?.sha256} after={after?.sha256} />
        </Suspense>
      )}
    </li>
  );
}

/** The differences of two manifests, by path. */
function changesOf(before: WorkspaceFile[], after: WorkspaceFile[]): Change[] {
  const were = new Map(before.map((file) => [file.path, file]));
  const are = new Map(after.map((file) => [file.path, file]));
  return [...new Set([...were.keys(), ...are.keys()])]
    .toSorted()
    .map((path) => ({ path, before: were.get(path), after: are.get(path) }))
    .filter(({ before: was, after: is }) => was?.sha256 !== is?.sha256 || was?.mode !== is?.mode);
}
