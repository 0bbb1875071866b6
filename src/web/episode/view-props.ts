import type { EpisodeResource } from '../resources.ts';
import type { Row } from './rows.ts';
import type { EpisodeState } from './store.ts';

/** What every way to look at the steps is given: those that are left after finding. */
export type ViewProps = Readonly<{
  episode: EpisodeResource;
  rows: readonly Row[];
  lines: EpisodeState['lines'];
  chosen: number | null;
  choose: (seq: number) => void;
}>;
