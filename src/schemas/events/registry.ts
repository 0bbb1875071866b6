import { z } from 'zod';
import { DESIGN_EVENTS } from './design.ts';
import { ELECTRONICS_EVENTS } from './electronics.ts';
import { KNOWLEDGE_EVENTS } from './knowledge.ts';
import { MODEL_EVENTS } from './models.ts';
import { REVIEW_EVENTS } from './review.ts';
import { SIMULATION_EVENTS } from './simulation.ts';
import { TOOL_EVENTS } from './tools.ts';

/** Every type of event in every version that was ever published: one that is here stays, and stays as it is. */
export const EVENTS = [
  ...TOOL_EVENTS,
  ...REVIEW_EVENTS,
  ...DESIGN_EVENTS,
  ...SIMULATION_EVENTS,
  ...ELECTRONICS_EVENTS,
  ...KNOWLEDGE_EVENTS,
  ...MODEL_EVENTS,
] as const;

/** One type of event in one version. */
export type EventSchema = (typeof EVENTS)[number];
/** An event as producers send it. */
export type ObservabilityEvent = z.infer<EventSchema>;
/** The types of events. */
export const EventType = z.enum([...new Set(EVENTS.map(({ shape }) => shape.type.value))]);
export type EventType = z.infer<typeof EventType>;

/** The schema of a type in a version, or undefined where there is none. */
export const findEventSchema = (type: unknown, v: unknown): EventSchema | undefined =>
  EVENTS.find(({ shape }) => shape.type.value === type && shape.v.value === v);

/** The versions in which there is this type, oldest first. */
export const versionsOf = (type: unknown): number[] =>
  EVENTS.filter(({ shape }) => shape.type.value === type).map(({ shape }) => shape.v.value);

/** Any of the events: told apart by their type, and where a type has several versions by `v`. */
export function anyOf(events: readonly EventSchema[]): z.ZodType<ObservabilityEvent> {
  const byType = [...Map.groupBy(events, ({ shape }) => shape.type.value).values()];
  const [first, ...rest] = byType.map(([only, ...others]) => {
    if (!only) throw new RangeError('a group has a member');
    return others.length === 0 ? only : z.discriminatedUnion('v', [only, ...others]);
  });
  if (!first) throw new RangeError('there are no events');
  return z.discriminatedUnion('type', [first, ...rest]);
}

export const ObservabilityEvent = anyOf(EVENTS);
