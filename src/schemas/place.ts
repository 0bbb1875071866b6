import { z } from 'zod';
import { boundedText, Json, Sha256 } from './primitives.ts';
import { WorkspaceFile } from './workspace.ts';

/** A place of an episode's line: after this step; 0 is before the first. */
const step = z.number().int().min(0).max(2_147_483_647);

/** What a fork or re-run does otherwise than its parent. */
const changes = {
  model: boundedText(1, 200).optional(),
  seed: z.number().int().min(0).max(2_147_483_647).optional(),
};

/** A new episode that goes on after a step of this one. The message is delivered before its next thought. */
export const ForkEpisode = z.strictObject({ step, ...changes, message: boundedText(1, 20_000).optional() });
export type ForkEpisode = z.infer<typeof ForkEpisode>;

/** A new episode that is this one again, its answers taken from the record up to a step: the last one where none is named. */
export const RerunEpisode = z.strictObject({ recorded_until: step.min(1).optional(), ...changes });
export type RerunEpisode = z.infer<typeof RerunEpisode>;

/** The episode itself goes back to a step and on from there. */
export const RewindEpisode = z.strictObject({ step });
export type RewindEpisode = z.infer<typeof RewindEpisode>;

/** Which simulation is run again; all of the line's where none is named. */
export const ReproduceEpisode = z.strictObject({ step: step.min(1).optional() });
export type ReproduceEpisode = z.infer<typeof ReproduceEpisode>;

/** An episode's files as they were after a step. `sha256` names the manifest, the canonical JSON of `{version: 1, files}`. */
export const WorkspaceAt = z.object({ seq: step, sha256: Sha256, files: z.array(WorkspaceFile) });
export type WorkspaceAt = z.infer<typeof WorkspaceAt>;

/** Each role's conversation after a step, in the order of turns; roles that had no turn yet are left out. */
export const ConversationAt = z.object({
  seq: step,
  roles: z.array(z.object({ role: z.string(), messages: z.array(Json) })),
});
export type ConversationAt = z.infer<typeof ConversationAt>;

/** Simulations that are being run again, each with the id of the feedback that will say how it came out. */
export const Reproduction = z.object({
  workflow_id: z.string(),
  simulations: z.array(z.object({ seq: step, feedback_id: z.string() })),
});
export type Reproduction = z.infer<typeof Reproduction>;
