import { count, duration, moment, usd } from '../../parts/format.ts';
import { Plain } from '../../parts/text.tsx';
import type { StepDetailResource } from '../../resources.ts';

/** Every try at a step: which worker, which build, how it ended. */
export function Attempts({ step }: Readonly<{ step: StepDetailResource }>) {
  return (
    <ol className="attempts">
      {step.attempts.map((attempt) => (
        <li key={attempt.attempt} className="card">
          <p>
            <b>Attempt {attempt.attempt}</b>{' '}
            <span
              className={
                attempt.status === 'ok' ? 'good-text' : attempt.status === 'running' ? 'live-text' : 'bad-text'
              }
            >
              {attempt.status === 'lost' ? 'lost: its worker died before it could say how it ended' : attempt.status}
            </span>
          </p>
          <dl className="pairs">
            <dt>worker</dt>
            <dd>{attempt.worker}</dd>
            <dt>build</dt>
            <dd>{attempt.build}</dd>
            <dt>began</dt>
            <dd>{moment(attempt.started_at)}</dd>
            <dt>took</dt>
            <dd>
              {attempt.ended_at === null
                ? 'runs'
                : duration(Date.parse(attempt.ended_at) - Date.parse(attempt.started_at))}
            </dd>
            <dt>tokens</dt>
            <dd>
              {attempt.usage_unknown
                ? 'not known'
                : `${count(attempt.input_tokens)} in, ${count(attempt.output_tokens)} out, ${usd(attempt.usd)}`}
            </dd>
          </dl>
          {attempt.error && (
            <p className="bad-text">
              {attempt.error.code}: <Plain>{attempt.error.message}</Plain>
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
