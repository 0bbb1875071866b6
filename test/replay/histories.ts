import { join } from 'node:path';

/** Where the golden histories lie, one file for each run, named for what it proves. */
export const HISTORIES = join(import.meta.dirname, 'histories');
/** Where the histories lie that must fail. */
export const KNOWN_BAD = join(import.meta.dirname, 'known-bad');
