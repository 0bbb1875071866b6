import { z } from 'zod';
import { Count, Timestamp, Uuid } from './primitives.ts';

/** Where a line came from: a command's output, the agent's own words, or the system. */
export const LogStream = z.enum(['stdout', 'stderr', 'agent', 'system']);
export type LogStream = z.infer<typeof LogStream>;

/** How much a line matters. */
export const LogLevel = z.enum(['debug', 'info', 'warning', 'error']);
export type LogLevel = z.infer<typeof LogLevel>;

/** A line of an execution log. `line` counts from 1 within one attempt, over all streams, in the order of arrival. */
export const LogLine = z.object({
  stream_seq: Count,
  step_id: Uuid.nullable(),
  attempt: Count,
  line: Count,
  stream: LogStream,
  level: LogLevel,
  at: Timestamp,
  text: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

/** The most that one line of a log holds, in UTF-16 units; longer lines are split, never cut. */
export const LOG_LINE_CHARS_MAX = 8_192;
