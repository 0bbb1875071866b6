import { z } from 'zod';
import { Timestamp } from './primitives.ts';
import { StepKind } from './step.ts';

/** A tool as models are shown it; `input` is the JSON Schema of its arguments. Read-only ones run side by side. */
export const CatalogueTool = z.object({
  name: z.string(),
  description: z.string(),
  kind: StepKind,
  read_only: z.boolean(),
  input: z.record(z.string(), z.unknown()),
});
export type CatalogueTool = z.infer<typeof CatalogueTool>;

const Described = z.object({ name: z.string(), description: z.string() });

/** What episodes can be started with here: teams of agents, the tools that their roles name, models, and scripts. */
export const Catalogue = z.object({
  agents: z.array(
    Described.extend({
      roles: z.array(z.object({ name: z.string(), tools: z.array(z.string()), on_reject: z.string().nullable() })),
      review_rounds_max: z.number().int(),
    }),
  ),
  tools: z.array(CatalogueTool),
  /** Names that `model` of a new episode takes; one that ends in `:NAME` takes any name there. */
  models: z.array(Described),
  /** What the scripted model can play: `scripted:NAME`. */
  scripts: z.array(Described),
});
export type Catalogue = z.infer<typeof Catalogue>;

/** A schedule of this deployment. One that set-up has not made yet, or that somebody deleted, is not `present`. */
export const ScheduleState = z.object({
  id: z.string(),
  present: z.boolean(),
  paused: z.boolean(),
  note: z.string(),
  next_at: Timestamp.nullable(),
  last_at: Timestamp.nullable(),
});
export type ScheduleState = z.infer<typeof ScheduleState>;

/** What a person does with a schedule: `author` lets it wait, which its note says, lets it run again, or runs it now. */
export type ScheduleSteering = { what: 'pause' | 'resume' | 'run'; author: string };
