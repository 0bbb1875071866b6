import { lazy, Suspense, useState } from 'react';
import { Plain } from '../parts/text.tsx';
import type { ComparisonResource } from '../resources.ts';

const FileDiff = lazy(async () => ({ default: (await import('../episode/details/file-diff.tsx')).FileDiff }));

/** The files that two workspaces differ in at their ends, each with what one has and the other has not. */
export function ChangedFiles({ files }: Readonly<{ files: ComparisonResource['files'] }>) {
  const [open, setOpen] = useState<string>();
  if (files === null)
    return <p className="dim">Their files cannot be compared: what the workspaces consisted of is no longer stored.</p>;
  return (
    <section>
      <h2>{files.length === 0 ? 'Both left the same files' : `Files that differ: ${files.length}`}</h2>
      <ul className="changes">
        {files.map(({ path, a, b }) => (
          <li key={path}>
            <button
              type="button"
              aria-expanded={open === path}
              onClick={() => setOpen(open === path ? undefined : path)}
            >
              <span className={a === null ? 'good-text' : b === null ? 'bad-text' : 'warn-text'}>
                {a === null ? '+' : b === null ? '−' : '±'}
              </span>
              <span className="mono">
                <Plain>{path}</Plain>
              </span>
              <span className="dim">{a === null ? 'only in b' : b === null ? 'only in a' : 'differs'}</span>
            </button>
            {open === path && (
              <Suspense fallback={<p className="waiting-line">Comparing…</p>}>
                <FileDiff path={path} before={a ?? undefined} after={b ?? undefined} />
              </Suspense>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
