import type { TranscriptLine } from '../../schemas/transcript.ts';

/** A call as scripts write it: the tool's name and its arguments. */
export type Call = [name: string, args: TranscriptLine['calls'][number]['args']];

/** A thought: what is said, and the calls that it asks for. */
export const turn = (said: string, ...calls: Call[]): TranscriptLine => ({
  text: said,
  calls: calls.map(([name, args]) => ({ name, args })),
  thinking_ms: 0,
});
