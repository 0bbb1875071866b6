import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the golden histories lie, one file for each run, named for what it proves. */
export const HISTORIES = join(import.meta.dirname, 'histories');
/** Where bundles of the workflows are kept from one run of the tests to the next, by the hash of their sources. */
export const TEST_HOME = join(tmpdir(), 'observatory-test-bundles');
/** Where the histories lie that must fail. */
export const KNOWN_BAD = join(import.meta.dirname, 'known-bad');
