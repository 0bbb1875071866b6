import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Dialog } from '../parts/dialog.tsx';
import { Failure } from '../parts/failure.tsx';
import { fieldOf } from '../parts/form.ts';
import { Icon } from '../parts/icons.tsx';
import type { IconName } from '../parts/icons.tsx';
import type { EpisodeResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';
import type { Actions } from '../source/actions.ts';
import { ASK } from './keys.ts';
import { usePlace } from './place.ts';
import { hasEnded } from './use-episode.ts';

type Props = Readonly<{ episode: EpisodeResource }>;
type Question = 'say' | 'pause' | 'cancel' | 'fork' | 'rewind' | 'rerun';

/** What one may do with an episode, as far as it stands. What was done is told where it shows. */
export function ActionsBar({ episode }: Props) {
  const source = useSource();
  const [question, setQuestion] = useState<Question>();
  const [said, setSaid] = useState<string>();
  const [error, setError] = useState<unknown>();
  const { actions } = source;
  if (!actions) return null;
  const ended = hasEnded(episode);
  const act = (doing: Promise<string>) => {
    setError(undefined);
    doing.then(setSaid).catch(setError);
  };
  return (
    <div className="actions">
      {!ended && episode.status === 'paused' && (
        <Act icon="play" name="Resume" onClick={() => act(actions.resume(episode.id).then(() => 'Resumed.'))} />
      )}
      {!ended && episode.status !== 'paused' && <Act icon="paused" name="Pause" onClick={() => setQuestion('pause')} />}
      {!ended && <Act icon="thought" name="Say" onClick={() => setQuestion('say')} />}
      {!ended && <Act icon="cancelled" name="Cancel" onClick={() => setQuestion('cancel')} />}
      <Act icon="fork" name="Fork" onClick={() => setQuestion('fork')} />
      <More {...{ episode, ask: setQuestion, act, actions }} />
      {question && (
        <Ask question={question} episode={episode} onClose={() => setQuestion(undefined)} onDone={setSaid} />
      )}
      {(said !== undefined || error !== undefined) && (
        <div className="toast" role="status">
          {error === undefined ? said : <Failure error={error} />}
          <button
            type="button"
            className="icon-button"
            aria-label="Close"
            onClick={() => [setSaid(undefined), setError(undefined)]}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

function Act({ icon, name, onClick }: Readonly<{ icon: IconName; name: string; onClick: () => void }>) {
  return (
    <button type="button" className="button" onClick={onClick} aria-label={name}>
      <Icon name={icon} /> <span className="act-name">{name}</span>
    </button>
  );
}

type MoreProps = Props &
  Readonly<{ ask: (question: Question) => void; act: (doing: Promise<string>) => void; actions: Actions }>;

function More({ episode, ask, act, actions }: MoreProps) {
  const { id } = episode;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const entries: [string, IconName, () => void][] = [
    ['Compare with another…', 'compare', () => void navigate({ to: '/compare', search: { a: id } })],
    ['Verify replay', 'ok', () => act(actions.replay(id).then(() => replayed(actions, id)))],
    [
      'Reproduce its simulations',
      'simulation',
      () =>
        act(
          actions
            .reproduce(id)
            .then(
              ({ simulations }) =>
                `${simulations.length} simulations run again: each is scored “reproduced” in the feedback.`,
            ),
        ),
    ],
    ['Run again with recorded answers', 'running', () => ask('rerun')],
    ['Go back to a step…', 'closed', () => ask('rewind')],
    [
      'Audit the coverage now',
      'review',
      () =>
        act(
          actions.audit(id).then(async () => {
            await queries.invalidateQueries({ queryKey: ['coverage', id] });
            return 'It is being audited: the badge shows what comes of it.';
          }),
        ),
    ],
  ];
  return (
    <details className="menu">
      <summary className="icon-button" aria-label="More actions">
        <Icon name="more" />
      </summary>
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions -- closes after the buttons in it */}
      <div className="menu-body" onClick={({ currentTarget }) => currentTarget.parentElement?.removeAttribute('open')}>
        {entries.map(([name, icon, onClick]) => (
          <button key={name} type="button" onClick={onClick}>
            <Icon name={icon} /> {name}
          </button>
        ))}
        <hr />
        <button type="button" onClick={() => dispatchEvent(new CustomEvent(ASK.help))}>
          <kbd>?</kbd> Keys
        </button>
      </div>
    </details>
  );
}

/** What a replay came to: it is waited for, as it takes seconds. */
async function replayed(actions: Actions, id: string): Promise<string> {
  for (let tries = 0; tries < 40; tries += 1) {
    const { state, items } = await actions.replay(id);
    if (state === 'done') return items.map(({ sentence }) => `Replay: ${sentence}`).join('\n');
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
  }
  return 'The replay still runs: ask again to see what came of it.';
}

type AskProps = Props & Readonly<{ question: Question; onClose: () => void; onDone: (said: string) => void }>;

const TITLES: Record<Question, [string, string]> = {
  say: ['Say something to the agents', 'Say it'],
  pause: ['Pause before the next thought', 'Pause'],
  cancel: ['Cancel this episode?', 'Cancel the episode'],
  fork: ['Fork: go on from here as a new episode', 'Fork'],
  rewind: ['Go back: what came later is superseded', 'Go back'],
  rerun: ['Run again with recorded answers', 'Run again'],
};

function Ask({ question, episode, onClose, onDone }: AskProps) {
  const { actions } = useSource();
  const navigate = useNavigate();
  const [place] = usePlace();
  const [key] = useState(() => crypto.randomUUID());
  const [title, verb] = TITLES[question];
  const submit = async (given: FormData) => {
    if (!actions) return;
    const text = fieldOf(given, 'text');
    const step = Number(fieldOf(given, 'step'));
    const { id } = episode;
    if (question === 'say')
      await actions.say(id, text, key).then(() => onDone('Said: the agents hear it before their next thought.'));
    if (question === 'pause') await actions.pause(id, text).then(() => onDone('It pauses before its next thought.'));
    if (question === 'cancel')
      await actions.cancel(id).then(() => onDone('It ends when its work in progress is recorded.'));
    if (question === 'rewind') await actions.rewind(id, step, key).then(() => onDone(`It goes on after step ${step}.`));
    if (question !== 'fork' && question !== 'rerun') return;
    const made =
      question === 'fork'
        ? await actions.fork(id, { step, ...(text && { message: text }) }, key)
        : await actions.rerun(id, key);
    await navigate({ to: '/episodes/$id', params: { id: made.id } });
  };
  return (
    <Dialog
      title={title}
      verb={verb}
      danger={question === 'cancel' || question === 'rewind'}
      onSubmit={submit}
      onClose={onClose}
    >
      {(question === 'fork' || question === 'rewind') && (
        <label>
          After step
          <input name="step" type="number" min="0" required defaultValue={place.step ?? episode.step_count} />
        </label>
      )}
      {question === 'cancel' && (
        <p>Its work in progress is recorded, then it ends as cancelled. This cannot be taken back.</p>
      )}
      {question === 'rerun' && (
        <p>A new episode plays this one’s recorded answers, up to the first question that differs.</p>
      )}
      {(question === 'say' || question === 'pause' || question === 'fork') && (
        <label>
          {question === 'pause' ? 'Why' : 'Message'} {question !== 'say' && <span className="dim">(optional)</span>}
          <textarea name="text" rows={3} maxLength={4_000} required={question === 'say'} />
        </label>
      )}
    </Dialog>
  );
}
