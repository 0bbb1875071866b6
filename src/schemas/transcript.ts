import { z } from 'zod';
import { boundedText, Json } from './primitives.ts';

/** One thought of a written transcript: words, the calls it asks for, and how long the model takes to say it. */
export const TranscriptLine = z.strictObject({
  text: boundedText(0, 100_000),
  calls: z
    .array(z.strictObject({ name: boundedText(1, 100), args: z.record(boundedText(1, 200), Json) }))
    .max(100)
    .default([]),
  thinking_ms: z.number().int().min(0).max(3_600_000).default(0),
});
export type TranscriptLine = z.infer<typeof TranscriptLine>;

/**
 * A transcript that the scripted model plays: what each role says, thought by thought. Given as an episode's input
 * `/transcript.json`, with the model `scripted:transcript`, it runs through the real graph, tools and record.
 */
export const Transcript = z.strictObject({
  lines: z.record(boundedText(1, 100), z.array(TranscriptLine).max(10_000)),
});
export type Transcript = z.infer<typeof Transcript>;
