import { useQuery } from '@tanstack/react-query';
import { Failure } from '../../parts/failure.tsx';
import { duration, moment } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import type { StepDetailResource } from '../../resources.ts';
import { useSource } from '../../source/context.tsx';
import { TABS } from '../place.ts';
import type { Tab } from '../place.ts';
import type { PaneProps } from '../steps-pane.tsx';
import { useBody } from '../use-episode.ts';
import { Attempts } from './attempts.tsx';
import { Files } from './files.tsx';
import { InputTab } from './input.tsx';
import { JsonView } from './json-view.tsx';
import { Logs } from './logs.tsx';
import { Overview } from './overview.tsx';
import { Summary } from './summary.tsx';

/** What is to be seen of the chosen step; where none is chosen, of the episode. */
export function Details(props: PaneProps) {
  const { place } = props;
  if (place.step === null) return <Overview {...props} />;
  return <StepDetails key={place.step} {...props} seq={place.step} />;
}

function StepDetails({ episode, place, go, seq }: PaneProps & Readonly<{ seq: number }>) {
  const source = useSource();
  const body = useBody(episode.id, seq);
  const { data, error, refetch } = useQuery({
    queryKey: ['step', episode.id, seq],
    queryFn: () => source.step(episode.id, seq),
  });
  // What the list has read already is shown while the rest of it comes.
  const step: StepDetailResource | undefined = data ?? (body && { ...body, attempts: [] });
  return (
    <section className="details" aria-label={`Step ${seq}`}>
      <header className="details-head">
        <button
          type="button"
          className="icon-button back"
          aria-label="Back to the steps"
          onClick={() => go({ step: null })}
        >
          <Icon name="close" />
        </button>
        <h2>
          {step && <Icon name={step.kind} />} <span className="dim">{seq}</span> {step?.name}
        </h2>
        {step && <Standing step={step} />}
      </header>
      <Tabs tab={place.tab} onChange={(tab) => go({ tab })} step={step} />
      {error && <Failure error={error} again={() => void refetch()} />}
      <div className="tab-body" role="tabpanel" id="tab-body" aria-labelledby={`tab-${place.tab}`} tabIndex={0}>
        {step && <Body tab={place.tab} step={step} episodeId={episode.id} />}
      </div>
    </section>
  );
}

function Standing({ step }: Readonly<{ step: StepDetailResource }>) {
  const took = step.ended_at === null ? null : Date.parse(step.ended_at) - Date.parse(step.started_at);
  return (
    <p className="details-facts dim">
      <span className={step.status === 'ok' ? 'good-text' : step.status === 'running' ? 'live-text' : 'bad-text'}>
        {step.status}
      </span>
      <span title={moment(step.started_at)}>{took === null ? 'running' : duration(took)}</span>
      {step.model !== null && <span>{step.model}</span>}
      {step.trace_url !== null && (
        <a href={step.trace_url} target="_blank" rel="noreferrer">
          Observation <Icon name="link" className="small" />
        </a>
      )}
    </p>
  );
}

type TabsProps = Readonly<{ tab: Tab; onChange: (tab: Tab) => void; step: StepDetailResource | undefined }>;

function Tabs({ tab, onChange, step }: TabsProps) {
  const counts: Partial<Record<Tab, number>> = {
    artifacts: step?.artifacts.length ?? 0,
    attempts: step?.attempts.length ?? 0,
  };
  return (
    <div className="tabs" role="tablist" aria-label="What is shown of the step">
      {TABS.map((name, index) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={tab === name}
          aria-controls="tab-body"
          title={`Key ${index + 1}`}
          onClick={() => onChange(name)}
        >
          {name === 'artifacts' ? 'files' : name}
          {(counts[name] ?? 0) > 1 && <span className="dim"> {counts[name]}</span>}
        </button>
      ))}
    </div>
  );
}

function Body({ tab, step, episodeId }: Readonly<{ tab: Tab; step: StepDetailResource; episodeId: string }>) {
  switch (tab) {
    case 'summary':
      return <Summary step={step} episodeId={episodeId} />;
    case 'input':
      return <InputTab step={step} episodeId={episodeId} />;
    case 'output':
      return step.error ? (
        <>
          <Failure error={new Error(`${step.error.code}: ${step.error.message}`)} />
          <JsonView value={step.output} open={3} />
        </>
      ) : (
        <JsonView value={step.output} open={3} />
      );
    case 'artifacts':
      return <Files step={step} episodeId={episodeId} />;
    case 'logs':
      return <Logs episodeId={episodeId} seq={step.seq} running={step.status === 'running'} />;
    case 'attempts':
      return <Attempts step={step} />;
    default:
      return <JsonView value={step} open={1} />;
  }
}
