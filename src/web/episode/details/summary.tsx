import { count, usd } from '../../parts/format.ts';
import { Failure } from '../../parts/failure.tsx';
import { Plain, Terminal } from '../../parts/text.tsx';
import type { StepDetailResource } from '../../resources.ts';
import { recordOf, textOf } from '../rows.ts';
import { Changes } from './changes.tsx';
import { FileChips } from './files.tsx';
import { JsonView } from './json-view.tsx';

/** The whole text is in the output; a summary shows this much of it. */
const TEXT_CHARS_MAX = 20_000;

/** What a step did, in its own words, with what came of it. */
export function Summary({ step, episodeId }: Readonly<{ step: StepDetailResource; episodeId: string }>) {
  const output = recordOf(step.output);
  const result = recordOf(output['result']);
  const text = step.kind === 'thought' ? textOf(step) : typeof output['content'] === 'string' ? output['content'] : '';
  return (
    <>
      {step.error && <Failure error={new Error(`${step.error.code}: ${step.error.message}`)} />}
      {step.kind !== 'thought' && step.input !== null && <JsonView value={step.input} open={1} />}
      {text !== '' && (
        <pre className={step.kind === 'thought' ? 'prose' : 'output'}>
          <Terminal>{text.slice(0, TEXT_CHARS_MAX)}</Terminal>
          {text.length > TEXT_CHARS_MAX && (
            <span className="dim">{`\n… ${count(text.length - TEXT_CHARS_MAX)} more characters under Output`}</span>
          )}
        </pre>
      )}
      <Reasoning output={output} />
      <Calls calls={output['tool_calls']} />
      {Object.keys(result).length > 0 && <JsonView value={result} open={1} />}
      <FileChips step={step} />
      {step.status !== 'running' && step.kind !== 'thought' && <Changes episodeId={episodeId} seq={step.seq} />}
      <dl className="pairs">
        <dt>agent</dt>
        <dd>{step.agent}</dd>
        {step.input_tokens + step.output_tokens > 0 && (
          <>
            <dt>tokens</dt>
            <dd>
              {count(step.input_tokens)} in, {count(step.output_tokens)} out, {usd(step.usd)}
            </dd>
          </>
        )}
        {step.served_from !== null && (
          <>
            <dt>answer</dt>
            <dd>taken from the record, not asked for again</dd>
          </>
        )}
      </dl>
    </>
  );
}

/** What a model says that it thought before it spoke, where it says so. */
function Reasoning({ output }: Readonly<{ output: Record<string, unknown> }>) {
  const { reasoning } = output;
  if (typeof reasoning !== 'string' || reasoning === '') return null;
  return (
    <details className="reasoning">
      <summary>Reasoning</summary>
      <pre className="prose">
        <Plain>{reasoning}</Plain>
      </pre>
    </details>
  );
}

function Calls({ calls }: Readonly<{ calls: unknown }>) {
  if (!Array.isArray(calls) || calls.length === 0) return null;
  return (
    <section>
      <h3>Asks for</h3>
      <ul className="calls">
        {calls.map(recordOf).map((call) => (
          <li key={String(call['id'])}>
            <b className="mono">{String(call['name'])}</b>
            <JsonView value={call['args']} open={1} />
          </li>
        ))}
      </ul>
    </section>
  );
}
