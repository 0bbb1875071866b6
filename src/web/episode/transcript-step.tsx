import { duration } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain, Terminal } from '../parts/text.tsx';
import type { EpisodeResource, StepResource } from '../resources.ts';
import { Picture } from './details/picture.tsx';
import { PersonStep } from './person-step.tsx';
import { isTrouble, recordOf, textOf } from './rows.ts';
import type { Row } from './rows.ts';
import { useBody } from './use-episode.ts';

type Props = Readonly<{
  episode: EpisodeResource;
  row: Row;
  lines: readonly string[] | undefined;
  onChoose: () => void;
}>;

/** A thought's words and a command's output are shown up to here; the step itself shows all. */
const WORDS_CHARS_MAX = 1_600;
const OUTPUT_LINES_MAX = 4;
const OUTPUT_CHARS_MAX = 600;

/** One step of the transcript. Its number is the button that chooses it; pointers may press anywhere. */
export function TranscriptStep(props: Props) {
  const { row, onChoose, lines } = props;
  const body = useBody(props.episode.id, row.seq);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div className="step-inner" onClick={onChoose}>
      <button type="button" className="step-number" aria-label={`Step ${row.seq}`}>
        {row.seq}
      </button>
      <Mark row={row} />
      <div className="step-main">
        {row.kind === 'thought' && <Words row={row} body={body} />}
        {(row.kind === 'tool_call' || row.kind === 'system') && <Call row={row} body={body} />}
        {row.kind === 'simulation' && <Simulation row={row} body={body} />}
        {row.kind === 'review' && <Review row={row} body={body} />}
        {row.kind === 'human' && <PersonStep episode={props.episode} row={row} body={body} />}
        {lines !== undefined && lines.length > 0 && <Live lines={lines} words={row.kind === 'thought'} />}
      </div>
    </div>
  );
}

/** What kind of step it is, and how it stands. */
function Mark({ row }: Readonly<{ row: Row }>) {
  if (row.status === 'running') return <Icon name="running" className="mark turning live-text" label="running" />;
  if (isTrouble(row))
    return <Icon name="error" className="mark bad-text" label={row.status === 'ok' ? 'refused' : row.status} />;
  return <Icon name={row.kind} className="mark" />;
}

type BodyProps = Readonly<{ row: Row; body: StepResource | undefined }>;

function Meta({ row }: Readonly<{ row: Row }>) {
  return (
    <span className="step-meta dim">
      {row.attempts > 1 && <span className="warn-text">{row.attempts} attempts</span>}
      {row.files > 0 && (
        <span>
          <Icon name="file" className="small" />
          {row.files}
        </span>
      )}
      {row.duration_ms !== null && <span>{duration(row.duration_ms)}</span>}
    </span>
  );
}

function Words({ row, body }: BodyProps) {
  const text = body ? textOf(body) : row.text;
  const calls = (recordOf(body?.output)['tool_calls'] ?? []) as unknown[];
  const nothing = text === '' && row.status !== 'running';
  return (
    <>
      <div className="step-line top">
        <p className={`words-of ${row.status === 'error' ? 'bad-text' : ''}`}>
          {nothing ? (
            <span className="dim">asks for {calls.length} calls without a word</span>
          ) : (
            <Cut text={text} at={WORDS_CHARS_MAX} />
          )}
        </p>
        <Meta row={row} />
      </div>
    </>
  );
}

/** The beginning of a text, and how much is left out. */
function Cut({ text, at }: Readonly<{ text: string; at: number }>) {
  if (text.length <= at) return <Plain>{text}</Plain>;
  return (
    <>
      <Plain>{text.slice(0, at)}</Plain>
      <span className="dim"> … {(text.length - at).toLocaleString('en')} more characters in the step</span>
    </>
  );
}

function Call({ row, body }: BodyProps) {
  const content = recordOf(body?.output)['content'];
  const shown = isTrouble(row) || row.name === 'execute_command' || row.name.startsWith('validate');
  return (
    <>
      <div className="step-line">
        <b className="mono">{row.name}</b>
        <span className="subject mono">
          <Plain>{row.text}</Plain>
        </span>
        <Meta row={row} />
      </div>
      {shown && typeof content === 'string' && content !== '' && <Beginning text={content} />}
      {body?.error && (
        <p className="bad-text">
          {body.error.code}: <Cut text={body.error.message} at={OUTPUT_CHARS_MAX} />
        </p>
      )}
    </>
  );
}

/** The first lines of an output, and how many there are beyond. */
function Beginning({ text }: Readonly<{ text: string }>) {
  const head = text.slice(0, OUTPUT_CHARS_MAX);
  const lines = head.split('\n');
  const shown = lines.slice(0, OUTPUT_LINES_MAX).join('\n');
  const rest = text.length - shown.length;
  return (
    <pre className="beginning">
      <Terminal>{shown}</Terminal>
      {rest > 1 && <span className="dim">{`\n… ${rest.toLocaleString('en')} more characters`}</span>}
    </pre>
  );
}

function Simulation({ row, body }: BodyProps) {
  const poster = body?.artifacts.find(({ path }) => path.endsWith('/poster.png'));
  const { robustness, time_s } = recordOf(recordOf(body?.output)['result']);
  const text = body ? textOf(body) : row.text;
  return (
    <div className="simulation-card">
      {poster ? <Picture file={poster} alt="The scene as the simulation left it" /> : <span className="no-picture" />}
      <div>
        <div className="step-line">
          <b className="mono">{row.name}</b>
          <Meta row={row} />
        </div>
        <p className={row.refused || row.status === 'error' ? 'bad-text' : row.status === 'ok' ? 'good-text' : ''}>
          <Cut text={text} at={OUTPUT_CHARS_MAX} />
        </p>
        {typeof time_s === 'number' && (
          <p className="dim">
            {time_s.toFixed(2)} s simulated
            {typeof robustness === 'number' &&
              ` · ${Math.round(robustness * 100)} % of the jittered spawns reach the goal`}
          </p>
        )}
      </div>
    </div>
  );
}

function Review({ row, body }: BodyProps) {
  const { decision, reason } = recordOf(recordOf(body?.output)['turn_end']);
  const approved = decision === 'APPROVED';
  return (
    <>
      <div className="step-line">
        <b className={approved ? 'good-text' : 'bad-text'}>{typeof decision === 'string' ? decision : row.name}</b>
        <Meta row={row} />
      </div>
      <p>
        <Cut text={typeof reason === 'string' ? reason : body ? textOf(body) : row.text} at={WORDS_CHARS_MAX} />
      </p>
    </>
  );
}

const LIVE_LINES_SHOWN = 6;

/** What a running step prints, or a model says, as it comes. */
function Live({ lines, words }: Readonly<{ lines: readonly string[]; words: boolean }>) {
  const text = words ? lines.join('') : lines.slice(-LIVE_LINES_SHOWN).join('\n');
  return (
    <pre className={`beginning live ${words ? 'said' : ''}`}>
      <Terminal>{text.slice(-WORDS_CHARS_MAX)}</Terminal>
    </pre>
  );
}
