import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { SubmitEvent } from 'react';
import { Failure } from '../parts/failure.tsx';
import { fieldOf } from '../parts/form.ts';
import { Plain } from '../parts/text.tsx';
import type { EpisodeResource, StepResource } from '../resources.ts';
import { useSource } from '../source/context.tsx';
import { JsonView } from './details/json-view.tsx';
import { recordOf, textOf } from './rows.ts';
import type { Row } from './rows.ts';

type Props = Readonly<{ episode: EpisodeResource; row: Row; body: StepResource | undefined }>;

/** A person's step: what was asked, what was said and by whom; while it waits, where it is answered. */
export function PersonStep({ episode, row, body }: Props) {
  const output = recordOf(body?.output);
  const input = recordOf(body?.input);
  const { author } = recordOf(output['result']);
  const declined = row.status === 'error';
  const question = input['question'];
  return (
    <div className="person">
      <p>
        <b>{NAMES[row.name] ?? row.name}</b> {typeof author === 'string' && <span className="dim">by {author}</span>}
      </p>
      {typeof question === 'string' && (
        <p className="words-of">
          <Plain>{question}</Plain>
        </p>
      )}
      {row.status === 'running' && row.name !== 'pause' && <Answer episode={episode} row={row} />}
      {row.status !== 'running' && body && (
        <p className={`words-of ${declined ? 'bad-text' : ''}`}>
          {row.name === 'approval' && <b>{declined ? 'Declined. ' : 'Approved. '}</b>}
          <Plain>{textOf(body)}</Plain>
        </p>
      )}
    </div>
  );
}

const NAMES: Record<string, string> = {
  ask_person: 'Question',
  approval: 'Approval',
  message: 'Message',
  pause: 'Pause',
};

/** Where a question is answered, and a call is approved by somebody who sees exactly what it would do. */
function Answer({ episode, row }: Readonly<{ episode: EpisodeResource; row: Row }>) {
  const source = useSource();
  const queries = useQueryClient();
  const [key] = useState(() => crypto.randomUUID());
  const [error, setError] = useState<unknown>();
  const [sent, setSent] = useState(false);
  const { data: step } = useQuery({
    queryKey: ['step', episode.id, row.seq],
    queryFn: () => source.step(episode.id, row.seq),
  });
  const { actions } = source;
  if (!actions) return <p className="dim">It waits for a person.</p>;
  const approval = row.name === 'approval';
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { submitter } = event.nativeEvent;
    const approve = submitter?.getAttribute('value') !== 'decline';
    const text = fieldOf(new FormData(event.currentTarget), 'text');
    setSent(true);
    setError(undefined);
    actions
      .answer(episode.id, { step: row.seq, approve, text }, key)
      .then(() => queries.invalidateQueries({ queryKey: ['episode', episode.id] }))
      .catch((thrown: unknown) => {
        setError(thrown);
        setSent(false);
      });
  };
  return (
    <form className="answer" onSubmit={submit}>
      {approval && step && <Asked input={step.input} />}
      <Choices input={step?.input} />
      <label>
        {approval ? 'Say why' : 'Answer'} {approval && <span className="dim">(optional)</span>}
        <textarea name="text" rows={2} maxLength={4_000} required={!approval} />
      </label>
      {error !== undefined && <Failure error={error} />}
      <div className="buttons">
        <button type="submit" value="approve" className="button primary" disabled={sent}>
          {approval ? 'Approve' : 'Answer'}
        </button>
        {approval && (
          <button type="submit" value="decline" className="button danger" disabled={sent}>
            Decline
          </button>
        )}
      </div>
    </form>
  );
}

/** What the call would do, word for word. */
function Asked({ input }: Readonly<{ input: unknown }>) {
  const { tool, name, args, ...others } = recordOf(input);
  const what = [tool, name].find((each) => typeof each === 'string');
  return (
    <div className="asked">
      {typeof what === 'string' && <b className="mono">{what}</b>}
      <JsonView value={args ?? others} open={3} />
    </div>
  );
}

/** The answers that the agent offers, where it does; another one may be written all the same. */
function Choices({ input }: Readonly<{ input: unknown }>) {
  const { choices } = recordOf(input);
  const offered = Array.isArray(choices) ? choices.map(String) : [];
  return (
    <div className="chips">
      {offered.map((choice) => (
        <button
          key={choice}
          type="button"
          className="chip"
          onClick={({ currentTarget }) => {
            const field = currentTarget.form?.elements.namedItem('text');
            if (field instanceof HTMLTextAreaElement) field.value = choice;
          }}
        >
          <Plain>{choice}</Plain>
        </button>
      ))}
    </div>
  );
}
