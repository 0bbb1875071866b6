import { useState } from 'react';
import { bytes } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { Plain } from '../../parts/text.tsx';
import type { ArtifactFile, StepDetailResource } from '../../resources.ts';
import { Changes } from './changes.tsx';
import { Picture } from './picture.tsx';
import { Preview } from './preview.tsx';

const CHIPS_MAX = 12;

/** A step's files in a few words; pictures as pictures. */
export function FileChips({ step }: Readonly<{ step: StepDetailResource }>) {
  const made = step.artifacts.filter(({ role }) => role === 'output');
  const pictures = made.filter(({ kind }) => kind === 'IMAGE').slice(0, 6);
  if (made.length === 0) return null;
  return (
    <section>
      <h3>Made {made.length === 1 ? 'one file' : `${made.length} files`}</h3>
      {pictures.length > 0 && (
        <div className="pictures">
          {pictures.map((file) => (
            <Picture key={file.path} file={file} alt={file.path} />
          ))}
        </div>
      )}
      <p className="chips">
        {made.slice(0, CHIPS_MAX).map(({ path, size_bytes }) => (
          <span key={path} className="chip" title={bytes(size_bytes)}>
            <Plain>{path}</Plain>
          </span>
        ))}
        {made.length > CHIPS_MAX && <span className="dim">{made.length - CHIPS_MAX} more under Files</span>}
      </p>
    </section>
  );
}

/** Every file that a step read and made, each to be looked at where it stands. */
export function Files({ step, episodeId }: Readonly<{ step: StepDetailResource; episodeId: string }>) {
  const [open, setOpen] = useState<string>();
  if (step.artifacts.length === 0) return <p className="waiting-line">It read and made no files.</p>;
  return (
    <>
      {(['output', 'input'] as const).map((role) => {
        const files = step.artifacts.filter((file) => file.role === role);
        if (files.length === 0) return null;
        return (
          <section key={role}>
            <h3>{role === 'output' ? 'Made' : 'Read'}</h3>
            <ul className="files">
              {files.map((file) => (
                <FileEntry
                  key={file.path}
                  file={file}
                  open={open === role + file.path}
                  onToggle={() => setOpen(open === role + file.path ? undefined : role + file.path)}
                />
              ))}
            </ul>
          </section>
        );
      })}
      <Changes episodeId={episodeId} seq={step.seq} />
    </>
  );
}

type EntryProps = Readonly<{ file: ArtifactFile; open: boolean; onToggle: () => void }>;

function FileEntry({ file, open, onToggle }: EntryProps) {
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={onToggle}>
        <Icon name={open ? 'open' : 'closed'} className="small" />
        <span className="mono">
          <Plain>{file.path}</Plain>
        </span>
        <span className="dim">
          {file.kind.toLowerCase()} · {bytes(file.size_bytes)}
        </span>
      </button>
      {open && <Preview file={file} />}
    </li>
  );
}
