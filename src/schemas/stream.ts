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

/** Nine and fifteen digits are what the database and a JSON number hold. */
export const StreamId = z.string().regex(/^(?:0|[1-9]\d{0,8})-(?:0|[1-9]\d{0,14})$/);
export const toStreamId = ({ epoch, stream_seq }: StreamPlace): string => `${epoch}-${stream_seq}`;

/** The place that an id names. */
export function fromStreamId(id: string): StreamPlace {
  const [epoch, stream_seq] = id.split('-');
  return { epoch: Number(epoch), stream_seq: Number(stream_seq) };
}
