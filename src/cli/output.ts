import type { EpisodeAnswer } from '../client/client.ts';
import { pageUrlOf } from '../identity.ts';
import { printableJson } from './text.ts';

/** Writes a line to standard output. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Writes a value to standard output as JSON on one line. */
export const printJson = (value: object): void => print(printableJson(value));

/** The address of an episode's page, which lies beside the API: what comes before `/v1` is the same. */
export const pageOf = ({ id, links }: Pick<EpisodeAnswer, 'id' | 'links'>): string =>
  pageUrlOf(links.self.replace(/\/v1\/episodes\/[^/]+$/, ''), id);

/** What a command's help ends with: how it is called. */
export const examples = (...lines: string[]): string =>
  `\nExample${lines.length === 1 ? '' : 's'}:\n${lines.map((line) => `  ${line}`).join('\n')}`;

/** An episode as examples name it. */
export const EXAMPLE_ID = '0198c0de-7000-7000-8000-000000000000';
