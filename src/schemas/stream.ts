import { z } from 'zod';
import { EpisodeStatus, TerminalReason } from './episode.ts';
import { Count, Timestamp } from './primitives.ts';
import { Step } from './step.ts';

/** When an episode took a status, at its place in the episode's stream. */
export const StatusChange = z.object({
  stream_seq: Count,
  status: EpisodeStatus,
  terminal_reason: TerminalReason.nullable(),
  at: Timestamp,
});
export type StatusChange = z.infer<typeof StatusChange>;

/** What was known of a step when it began. */
export const StepStart = Step.pick({
  id: true,
  episode_id: true,
  run_id: true,
  seq: true,
  parent_seq: true,
  step_key: true,
  kind: true,
  agent: true,
  node: true,
  name: true,
  input: true,
  model: true,
  started_at: true,
  span_id: true,
});
export type StepStart = z.infer<typeof StepStart>;

/** A place in an episode's stream, opaque to clients: the epoch of the database and the `stream_seq`. */
export type StreamPlace = { epoch: number; stream_seq: number };

/** Hexadecimal: 31 bits of the epoch, which a database integer holds, and 53 of the `stream_seq`, which a JSON number holds. */
export const StreamId = z.string().regex(/^[0-7][0-9a-f]{7}[01][0-9a-f]{13}$/);
const EPOCH_DIGITS = 8;
const STREAM_SEQ_DIGITS = 14;
export const toStreamId = ({ epoch, stream_seq }: StreamPlace): string =>
  epoch.toString(16).padStart(EPOCH_DIGITS, '0') + stream_seq.toString(16).padStart(STREAM_SEQ_DIGITS, '0');

/** The place that an id names. */
export function fromStreamId(id: string): StreamPlace {
  const [epoch, stream_seq] = [id.slice(0, EPOCH_DIGITS), id.slice(EPOCH_DIGITS)];
  return { epoch: Number.parseInt(epoch, 16), stream_seq: Number.parseInt(stream_seq, 16) };
}
