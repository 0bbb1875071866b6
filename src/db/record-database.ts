import { Kysely } from 'kysely';
import type { Database } from '../schemas/database.ts';

/** An episode's steps that belong to a line: those up to `until`; of a parent's, as they were under these runs of it. */
export type LinePart = { episode_id: string; until: number; runs: string[] | null };

/** The record's tables, with what this process has read of them that never changes. */
export class RecordDatabase extends Kysely<Database> {
  /** The line of each episode: from which step it was forked, under which of its parent's runs, is written once. */
  readonly lines = new Map<string, LinePart[]>();
}
