import { z } from 'zod';
import { Timestamp, Uuid } from './primitives.ts';

/** Something that operators must know of. While it is open there is one of its name and subject, however often it is raised. */
export const Alert = z.object({
  id: Uuid,
  /** Stable, for rules. */
  name: z.string(),
  /** What of this name it is about; empty where there is one such thing. */
  subject: z.string(),
  /** What is wrong and what to do, in a sentence. */
  message: z.string(),
  facts: z.record(z.string(), z.string()),
  raised_at: Timestamp,
  last_at: Timestamp,
  times: z.number().int().min(1),
  /** When it was cleared; null while it is open. */
  cleared_at: Timestamp.nullable(),
});
export type Alert = z.infer<typeof Alert>;

/** An alert to raise. */
export type NewAlert = Pick<Alert, 'name' | 'message' | 'facts'> & { subject?: string };

/** The messages of a webhook. Bodies have the form of standardwebhooks.com: type, timestamp, data. */
export const WEBHOOK_TYPES = ['alert.raised', 'alert.cleared', 'episode.ended'] as const;
export type WebhookType = (typeof WEBHOOK_TYPES)[number];
