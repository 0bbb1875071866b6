import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Dialog } from '../parts/dialog.tsx';
import { bytes } from '../parts/format.ts';
import { fieldOf } from '../parts/form.ts';
import { Icon } from '../parts/icons.tsx';
import type { Catalogue } from '../../schemas/catalogue.ts';
import type { NewEpisode } from '../source/actions.ts';
import { useSource } from '../source/context.tsx';

/** Starts an episode, and leads to it. */
export function StartDialog({ onClose }: Readonly<{ onClose: () => void }>) {
  const source = useSource();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [files, setFiles] = useState<File[]>([]);
  const [key] = useState(() => crypto.randomUUID());
  const { data: catalogue } = useQuery({ queryKey: ['catalogue'], queryFn: () => source.catalogue() });
  const start = async (given: FormData) => {
    if (!source.actions) return;
    const { actions } = source;
    const inputs = await Promise.all(
      files.map(async (file) => ({ path: `/${file.name}`, sha256: await actions.upload(file) })),
    );
    const { id } = await source.actions.start({ ...requestOf(given), inputs }, key);
    await queries.invalidateQueries({ queryKey: ['episodes'] });
    await navigate({ to: '/episodes/$id', params: { id } });
  };
  return (
    <Dialog title="Start an episode" verb="Start" onSubmit={start} onClose={onClose}>
      <label>
        Task
        <textarea name="task" rows={4} required maxLength={20_000} placeholder="What the agents are to design" />
      </label>
      <div className="pair">
        <label>
          Agent
          <select name="agent" defaultValue="mechanism_engineer">
            {catalogue?.agents.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <ModelField catalogue={catalogue} />
      </div>
      <FilesField files={files} onChange={setFiles} />
      <details>
        <summary>Budgets, seed and tags</summary>
        <div className="pair">
          <NumberField name="steps" label="Steps at most" placeholder="500" />
          <NumberField name="usd" label="US dollars at most" placeholder="50" step="any" />
          <NumberField name="wall_min" label="Minutes at most" placeholder="1440" />
          <NumberField name="seed" label="Seed" placeholder="0" />
        </div>
        <label>
          Tags <span className="dim">(with commas between)</span>
          <input name="tags" maxLength={500} />
        </label>
        <label>
          Tools to approve <span className="dim">(their calls wait for a person)</span>
          <select name="ask" multiple size={4}>
            {catalogue?.tools
              .filter((tool) => !tool.read_only)
              .map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
          </select>
        </label>
      </details>
    </Dialog>
  );
}

function ModelField({ catalogue }: Readonly<{ catalogue: Catalogue | undefined }>) {
  const names = [
    ...(catalogue?.scripts.map(({ name }) => `scripted:${name}`) ?? []),
    ...(catalogue?.models.map(({ name }) => name) ?? []),
  ];
  const usual = names.includes('default') ? 'default' : 'scripted';
  return (
    <label>
      Model
      <input key={usual} name="model" list="models" defaultValue={usual} required maxLength={200} spellCheck={false} />
      <datalist id="models">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}

function FilesField({ files, onChange }: Readonly<{ files: File[]; onChange: (files: File[]) => void }>) {
  const add = (list: FileList | null) => onChange([...files, ...(list ?? [])]);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- who cannot drop files chooses them
    <label
      className="drop"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        add(event.dataTransfer.files);
      }}
    >
      <span>
        <Icon name="file" /> Files for the workspace <span className="dim">(drop them here, or choose)</span>
      </span>
      <input type="file" multiple onChange={({ target }) => add(target.files)} />
      {files.map((file) => (
        <span key={file.name} className="chip">
          /{file.name} <span className="dim">{bytes(file.size)}</span>
        </span>
      ))}
    </label>
  );
}

function NumberField({
  name,
  label,
  ...more
}: Readonly<{ name: string; label: string; placeholder: string; step?: string }>) {
  return (
    <label>
      {label}
      <input name={name} type="number" min="0" {...more} />
    </label>
  );
}

/** The request that a form asks for: what was left empty is left to the API. */
function requestOf(given: FormData): NewEpisode {
  const text = (name: string) => fieldOf(given, name);
  const number = (name: string) => (text(name) === '' ? undefined : Number(text(name)));
  const [steps, dollars, minutes, seed] = ['steps', 'usd', 'wall_min', 'seed'].map(number);
  const budgets = {
    ...(steps !== undefined && { steps }),
    ...(dollars !== undefined && { usd: dollars }),
    ...(minutes !== undefined && { wall_s: Math.round(minutes * 60) }),
  };
  const tags = text('tags')
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean);
  const ask = given.getAll('ask').flatMap((name) => (typeof name === 'string' ? [[name, 'ask'] as const] : []));
  return {
    task: text('task'),
    agent: text('agent'),
    model: text('model'),
    tags,
    approvals: Object.fromEntries(ask),
    ...(seed !== undefined && { seed }),
    // The API fills in the budgets that are not given.
    ...(Object.keys(budgets).length > 0 && { budgets: budgets as NonNullable<NewEpisode['budgets']> }),
  };
}
