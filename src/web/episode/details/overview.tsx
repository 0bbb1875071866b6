import { useQuery } from '@tanstack/react-query';
import { ago, moment, usd } from '../../parts/format.ts';
import { Plain } from '../../parts/text.tsx';
import { useSource } from '../../source/context.tsx';
import { KEYS_HELP } from '../keys.ts';
import { isTrouble } from '../rows.ts';
import type { Row } from '../rows.ts';
import type { PaneProps } from '../steps-pane.tsx';
import { JsonView } from './json-view.tsx';

const TROUBLES_SHOWN = 8;

/** The episode as a whole, while no step is chosen: what was asked, what went wrong, and how to find one's way. */
export function Overview({ episode, steps, go }: PaneProps) {
  return (
    <section className="details overview" aria-label="The episode">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls can be reached by keys */}
      <div className="tab-body" tabIndex={0}>
        <h3>Task</h3>
        <p className="prose">
          <Plain>{episode.task}</Plain>
        </p>
        <Troubles troubles={steps.rows.filter(isTrouble)} go={go} />
        <section>
          <h3>Budgets</h3>
          <p>
            {episode.step_count} of {episode.budgets.steps} steps · {usd(episode.usd)}
            {episode.budgets.usd !== null && ` of ${usd(episode.budgets.usd)}`} ·{' '}
            {episode.input_tokens + episode.output_tokens} of {episode.budgets.tokens.toLocaleString('en')} tokens
          </p>
        </section>
        <Feedback id={episode.id} />
        <section>
          <h3>Keys</h3>
          <dl className="pairs keys">
            {KEYS_HELP.map(([keys, does]) => [
              <dt key={keys}>
                <kbd>{keys}</kbd>
              </dt>,
              <dd key={does}>{does}</dd>,
            ])}
          </dl>
        </section>
        <details>
          <summary className="dim">All that is recorded of the episode</summary>
          <JsonView value={episode} open={1} />
        </details>
      </div>
    </section>
  );
}

function Troubles({ troubles, go }: Readonly<{ troubles: Row[]; go: PaneProps['go'] }>) {
  if (troubles.length === 0) return null;
  return (
    <section>
      <h3>What to look at</h3>
      <ul className="troubles-list">
        {troubles.slice(0, TROUBLES_SHOWN).map((row) => (
          <li key={row.seq}>
            <button type="button" onClick={() => go({ step: row.seq }, { keep: true })}>
              <span className="dim">{row.seq}</span> <b className="mono">{row.name}</b>{' '}
              <span className="bad-text">
                <Plain>{row.text}</Plain>
              </span>
            </button>
          </li>
        ))}
        {troubles.length > TROUBLES_SHOWN && <li className="dim">{troubles.length - TROUBLES_SHOWN} more: press n</li>}
      </ul>
    </section>
  );
}

function Feedback({ id }: Readonly<{ id: string }>) {
  const source = useSource();
  const { data: feedback = [] } = useQuery({ queryKey: ['feedback', id], queryFn: () => source.feedback(id) });
  if (feedback.length === 0) return null;
  return (
    <section>
      <h3>Feedback</h3>
      <ul className="feedback">
        {feedback.map((each) => (
          <li key={each.id}>
            <b>{each.name}</b> {String(each.value)}{' '}
            <span className="dim" title={moment(each.created_at)}>
              {each.author}, {ago(each.created_at)}
            </span>
            {each.comment !== null && (
              <p>
                <Plain>{each.comment}</Plain>
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
