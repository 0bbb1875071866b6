import { useEffect } from 'react';
import { Failure } from '../parts/failure.tsx';
import { useParamsOf } from '../parts/params.ts';
import type { EpisodeResource } from '../resources.ts';
import { Details } from './details/details.tsx';
import { EpisodeHeader } from './header.tsx';
import { useKeys } from './keys.ts';
import { Dock } from './physics/dock.tsx';
import { usePlace } from './place.ts';
import { StepsPane } from './steps-pane.tsx';
import { hasEnded, useEpisodeQuery, useSteps } from './use-episode.ts';
import './episode.css';
import './steps.css';
import './tree-and-waterfall.css';
import './narrow.css';
import './details/details.css';
import './details/contents.css';
import './physics/physics.css';

/** One episode: what it is, its steps, and what is to be seen of the chosen one. */
export function EpisodePage() {
  const { id } = useParamsOf('id');
  const { data: episode, error, refetch } = useEpisodeQuery(id);
  if (error) return <Failure error={error} again={() => void refetch()} />;
  if (!episode) return <p className="waiting-line">Reading the episode…</p>;
  return <Loaded key={id} episode={episode} />;
}

function Loaded({ episode }: Readonly<{ episode: EpisodeResource }>) {
  const steps = useSteps(episode.id, hasEnded(episode));
  const [place, go] = usePlace();
  useKeys({ rows: steps.rows, place, go });
  useEffect(() => {
    document.title = `${episode.task.slice(0, 60)} · Observatory`;
    return () => {
      document.title = 'Observatory';
    };
  }, [episode.task]);
  return (
    <div className={`episode ${place.step === null ? '' : 'chosen'}`}>
      <EpisodeHeader episode={episode} steps={steps} />
      <div className="panes">
        <StepsPane episode={episode} steps={steps} place={place} go={go} />
        <Details episode={episode} steps={steps} place={place} go={go} />
      </div>
      <Dock episode={episode} steps={steps} place={place} go={go} />
    </div>
  );
}
