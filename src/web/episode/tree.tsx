import { useEffect, useMemo, useState } from 'react';
import { duration, usd } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/text.tsx';
import { ASK } from './keys.ts';
import { isTrouble } from './rows.ts';
import type { ViewProps } from './view-props.ts';
import { toTree } from './tree-rows.ts';
import type { TreeLine } from './tree-rows.ts';
import { useList } from './virtual.ts';

const LINE_PX = 28;

/** The steps as a tree of turns, thoughts and calls. */
export function Tree({ rows, chosen, choose }: ViewProps) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const lines = useMemo(() => toTree(rows, closed), [rows, closed]);
  const at = lines.findIndex(({ row }) => row !== null && row.seq === chosen);
  const { scroller, virtual } = useList({
    count: lines.length,
    estimate: () => LINE_PX,
    chosen: at,
    key: (index) => lines[index]?.key ?? index,
  });
  const toggle = (key: string, open?: boolean) => {
    const next = new Set(closed);
    if (open ?? closed.has(key)) next.delete(key);
    else next.add(key);
    setClosed(next);
  };
  useAsked(lines[at], toggle);
  return (
    <div
      className="steps-scroller"
      ref={scroller}
      role="treegrid"
      aria-label="Steps as a tree"
      aria-rowcount={lines.length}
      tabIndex={0}
      {...(at >= 0 && { 'aria-activedescendant': lines[at]?.key })}
    >
      <div className="steps-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const line = lines[index];
          if (!line) return null;
          return <Line key={key} {...{ line, index, start, choose, toggle }} chosen={index === at} />;
        })}
      </div>
    </div>
  );
}

/** The keys that close and open the chosen line, or the one around it. */
function useAsked(line: TreeLine | undefined, toggle: (key: string, open?: boolean) => void): void {
  useEffect(() => {
    if (!line?.row) return undefined;
    const { seq, parent_seq } = line.row;
    const own = `step-${seq}`;
    const collapse = () => toggle(line.below > 0 && line.open ? own : `step-${parent_seq ?? seq}`, false);
    const expand = () => toggle(own, true);
    addEventListener(ASK.collapse, collapse);
    addEventListener(ASK.expand, expand);
    return () => {
      removeEventListener(ASK.collapse, collapse);
      removeEventListener(ASK.expand, expand);
    };
  });
}

type LineProps = Readonly<{
  line: TreeLine;
  index: number;
  start: number;
  chosen: boolean;
  choose: (seq: number) => void;
  toggle: (key: string, open?: boolean) => void;
}>;

function Line({ line, index, start, chosen, choose, toggle }: LineProps) {
  const { key, level, below, open, row, turn } = line;
  const press = () => (row ? choose(row.seq) : toggle(key));
  return (
    // The keys of the page choose and close; the row is what pointers press.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={key}
      role="row"
      aria-level={level}
      aria-rowindex={index + 1}
      aria-selected={chosen}
      {...(below > 0 && { 'aria-expanded': open })}
      className={`tree-line ${turn ? 'is-turn' : ''} ${line.trouble ? 'trouble' : ''} ${chosen ? 'chosen' : ''}`}
      style={{ transform: `translateY(${start}px)`, paddingLeft: 6 + (level - 1) * 18 }}
      onClick={press}
    >
      <span role="gridcell" className="tree-name">
        <Fold {...{ below, open }} onToggle={() => toggle(key)} />
        {row ? <StepName line={line} /> : <b>{turn?.agent.replaceAll('_', ' ')}</b>}
      </span>
      <span role="gridcell" className="tree-figure dim">
        {row && row.usd !== 0 ? usd(row.usd) : ''}
      </span>
      <span role="gridcell" className="tree-figure dim">
        {row ? (row.duration_ms === null ? 'runs' : duration(row.duration_ms)) : turnTook(turn)}
      </span>
    </div>
  );
}

function StepName({ line: { row } }: Readonly<{ line: TreeLine }>) {
  if (!row) return null;
  const icon = row.status === 'running' ? 'running' : isTrouble(row) ? 'error' : row.kind;
  const tone = row.status === 'running' ? 'live-text turning' : isTrouble(row) ? 'bad-text' : 'mark';
  return (
    <>
      <Icon
        name={icon}
        className={tone}
        {...(isTrouble(row) && { label: row.status === 'ok' ? 'refused' : row.status })}
      />
      <span className="dim tree-number">{row.seq}</span>
      {row.kind !== 'thought' && <b className="mono">{row.name}</b>}
      <span className="tree-text">
        <Plain>{row.text}</Plain>
      </span>
    </>
  );
}

function Fold({ below, open, onToggle }: Readonly<{ below: number; open: boolean; onToggle: () => void }>) {
  if (below === 0) return <span className="fold" />;
  return (
    <button
      type="button"
      className="fold"
      tabIndex={-1}
      aria-label={open ? 'Close' : `Open ${below} lines`}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <Icon name={open ? 'open' : 'closed'} />
    </button>
  );
}

function turnTook(turn: TreeLine['turn']): string {
  if (!turn) return '';
  return duration(turn.last.at_ms + (turn.last.duration_ms ?? 0) - turn.first.at_ms);
}
