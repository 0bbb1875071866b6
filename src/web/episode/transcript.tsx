import { memo } from 'react';
import type { EpisodeResource } from '../resources.ts';
import { TranscriptStep } from './transcript-step.tsx';
import type { ViewProps } from './view-props.ts';
import { isTrouble } from './rows.ts';
import type { Row } from './rows.ts';
import { chosenPlace, useList } from './virtual.ts';
import { hasEnded } from './use-episode.ts';

/** About how high a step of each kind is before it has been drawn, in pixels. */
const HEIGHTS: Record<Row['kind'], number> = {
  thought: 62,
  tool_call: 34,
  simulation: 120,
  review: 66,
  human: 90,
  system: 34,
};
const TURN_PX = 36;

/** The steps as a conversation: what was thought in full, what was done in a line or two. */
export function Transcript({ episode, rows, lines, chosen, choose }: ViewProps) {
  const beginsTurn = (index: number) => index === 0 || rows[index - 1]?.agent !== rows[index]?.agent;
  const { scroller, virtual } = useList({
    count: rows.length,
    estimate: (index) => HEIGHTS[rows[index]?.kind ?? 'system'] + (beginsTurn(index) ? TURN_PX : 0),
    chosen: chosenPlace(rows, chosen),
    key: (index) => rows[index]?.seq ?? index,
    follow: !hasEnded(episode),
  });
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls can be reached by keys
    <div className="steps-scroller" ref={scroller} role="group" aria-label="Transcript" tabIndex={0}>
      <div className="steps-body" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const row = rows[index];
          if (!row) return null;
          return (
            <div
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              className="step-place"
              style={{ transform: `translateY(${start}px)` }}
            >
              {beginsTurn(index) && <h3 className="turn">{row.agent.replaceAll('_', ' ')}</h3>}
              <Entry
                {...{ row, choose, episode }}
                chosen={row.seq === chosen}
                lines={lines.get(row.seq)}
                size={rows.length}
                index={index}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}

type EntryProps = Readonly<{
  episode: EpisodeResource;
  row: Row;
  chosen: boolean;
  choose: (seq: number) => void;
  lines: readonly string[] | undefined;
  index: number;
  size: number;
}>;

const Entry = memo(function Entry({ episode, row, chosen, choose, lines, index, size }: EntryProps) {
  return (
    <article
      id={`step-${row.seq}`}
      className={`step ${row.kind} ${isTrouble(row) ? 'trouble' : ''} ${row.status} ${chosen ? 'chosen' : ''}`}
      aria-label={`Step ${row.seq}, ${row.name}`}
      aria-posinset={index + 1}
      aria-setsize={size}
      {...(chosen && { 'aria-current': 'true' as const })}
    >
      <TranscriptStep {...{ episode, row, lines }} onChoose={() => choose(row.seq)} />
    </article>
  );
}, same);

/** `choose` is made anew whenever the page is drawn, and does the same. */
function same(before: EntryProps, after: EntryProps): boolean {
  return (
    before.row === after.row &&
    before.chosen === after.chosen &&
    before.lines === after.lines &&
    before.episode.status === after.episode.status &&
    before.index === after.index
  );
}
