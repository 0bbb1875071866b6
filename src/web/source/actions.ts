import type { StartEpisode } from '../../schemas/episode.ts';
import type { EpisodeResource } from '../resources.ts';

/** What starts an episode, as a form gives it: what is left out has its default. */
export type NewEpisode = { task: string } & Partial<
  Pick<StartEpisode, 'inputs' | 'agent' | 'model' | 'seed' | 'budgets' | 'approvals' | 'tags'>
>;

/** What is said to a step that waits for a person. */
export type Answer = { step: number; approve: boolean; text: string };

/** How a fork differs from its parent. */
export type ForkChanges = { step: number; message?: string; model?: string; seed?: number };

/** What a person may do. Each is recorded with its author; `key` makes doing it twice do it once. */
export type Actions = {
  start(request: NewEpisode, key: string): Promise<EpisodeResource>;
  /** Stores a file and returns its SHA-256. */
  upload(file: Blob): Promise<string>;
  cancel(id: string): Promise<unknown>;
  pause(id: string, reason: string): Promise<unknown>;
  resume(id: string): Promise<unknown>;
  say(id: string, text: string, key: string): Promise<unknown>;
  answer(id: string, answer: Answer, key: string): Promise<unknown>;
  fork(id: string, changes: ForkChanges, key: string): Promise<EpisodeResource>;
  rerun(id: string, key: string): Promise<EpisodeResource>;
  rewind(id: string, step: number, key: string): Promise<unknown>;
  reproduce(id: string, step?: number): Promise<{ simulations: { seq: number }[] }>;
  /** Starts a replay, or says what came of the one that was started. */
  replay(id: string): Promise<{ state: 'running' | 'done'; items: { sentence: string }[] }>;
  audit(id: string): Promise<unknown>;
  signOut(): Promise<unknown>;
};
