import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { Icon } from '../parts/icons.tsx';
import { words } from '../parts/format.ts';
import { useSource } from '../source/context.tsx';
import type { EpisodeFilter } from '../source/source.ts';
import { STATUSES, withCondition } from './filter.ts';

/** How long somebody who types is waited for. */
const TYPING_MS = 250;
const OUTCOMES = [
  'APPROVED',
  'COMPLETED',
  'REJECTED_BY_REVIEW',
  'HANDOFF_INVARIANT_VIOLATION',
  'OUT_OF_TURN_BUDGET',
  'OUT_OF_TOKEN_BUDGET',
  'OUT_OF_COST_BUDGET',
  'TIMEOUT',
  'INTERNAL_ERROR',
  'SYSTEM_TOOL_RETRY_EXHAUSTED',
  'INFRA_ERROR',
  'USER_CANCELLED',
  'UNRECORDED_CALL',
];

/** What filters the list: each part is one of the address's query, so that a filtered list can be sent to somebody. */
export function FilterBar({ filter }: Readonly<{ filter: EpisodeFilter }>) {
  const navigate = useNavigate();
  const source = useSource();
  const { data: catalogue } = useQuery({
    queryKey: ['catalogue'],
    queryFn: () => source.catalogue(),
    staleTime: Infinity,
  });
  const set = (name: keyof EpisodeFilter, value: string) =>
    void navigate({ to: '/episodes', search: withCondition(filter, name, value), replace: true });
  const agents = (catalogue?.agents ?? []).map(({ name }) => name);
  return (
    <search className="filter-bar">
      <Words q={filter.q ?? ''} onChange={(q) => set('q', q)} />
      <Choice name="Status" value={filter.status} options={STATUSES} onChange={(value) => set('status', value)} />
      <Choice name="Outcome" value={filter.outcome} options={OUTCOMES} onChange={(value) => set('outcome', value)} />
      <Choice name="Agent" value={filter.agent} options={agents} onChange={(value) => set('agent', value)} />
      {(['tag', 'model'] as const).map(
        (name) =>
          filter[name] !== undefined && (
            <button key={name} type="button" className="chip removable" onClick={() => set(name, '')}>
              {name}: {filter[name]} <Icon name="close" label="Remove" />
            </button>
          ),
      )}
      {Object.keys(filter).length > 0 && (
        <button
          type="button"
          className="button quiet"
          onClick={() => void navigate({ to: '/episodes', search: {}, replace: true })}
        >
          Clear
        </button>
      )}
    </search>
  );
}

type ChoiceProps = Readonly<{
  name: string;
  value: string | undefined;
  options: string[];
  onChange: (value: string) => void;
}>;

function Choice({ name, value = '', options, onChange }: ChoiceProps) {
  const all = value === '' || options.includes(value) ? options : [value, ...options];
  return (
    <select
      aria-label={name}
      className={value === '' ? '' : 'set'}
      value={value}
      onChange={({ target }) => onChange(target.value)}
    >
      <option value="">{name}: any</option>
      {all.map((option) => (
        <option key={option} value={option}>
          {words(option)}
        </option>
      ))}
    </select>
  );
}

function Words({ q, onChange }: Readonly<{ q: string; onChange: (q: string) => void }>) {
  const [typed, setTyped] = useState(q);
  const [known, setKnown] = useState(q);
  if (known !== q) {
    setKnown(q);
    setTyped(q);
  }
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (typed === q) return undefined;
    const timer = setTimeout(() => onChange(typed), TYPING_MS);
    return () => clearTimeout(timer);
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return (
    <label className="words">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        aria-label="Find in tasks, steps and logs"
        placeholder="Find in tasks, steps and logs"
        value={typed}
        maxLength={200}
        onChange={({ target }) => setTyped(target.value)}
      />
      <kbd>/</kbd>
    </label>
  );
}
