import { z } from 'zod';
import { Count, Timestamp, Uuid } from './primitives.ts';

/** Who was asked what happened in an episode. */
export const Witness = z.enum(['history', 'steps', 'langfuse', 'objects']);
export type Witness = z.infer<typeof Witness>;

/** One item on which the witnesses disagree: what it is, and what is wrong with it. */
export const CoverageFinding = z.object({
  kind: z.enum(['missing', 'doubled', 'orphaned', 'wrongly_typed', 'damaged']),
  witness: Witness,
  /** A step's number and run, a span's id, or an object's hash. */
  item: z.string(),
  seq: Count.nullable(),
  detail: z.string(),
});
export type CoverageFinding = z.infer<typeof CoverageFinding>;

/** `complete`: all witnesses were asked and agree on every item. `unverified`: none disagrees, but not all could be asked. */
export const CoverageVerdict = z.enum(['complete', 'incomplete', 'unverified']);
export type CoverageVerdict = z.infer<typeof CoverageVerdict>;

/** How a witness answered, and how many items it named; `reason` says why it could not be asked. */
export const WitnessAnswer = z.object({ asked: z.boolean(), items: Count, reason: z.string().nullable() });
export type WitnessAnswer = z.infer<typeof WitnessAnswer>;

/**
 * An audit in numbers: observations that Langfuse is to show, how many of these it shows, and findings by what is wrong,
 * whichever witness they are about.
 */
export const CoverageCounts = z.object({
  expected: Count,
  confirmed: Count,
  missing: Count,
  doubled: Count,
  orphaned: Count,
  wrongly_typed: Count,
  damaged: Count,
});
export type CoverageCounts = z.infer<typeof CoverageCounts>;

/** An audit of one episode: every finding is named, at most `FINDINGS_MAX` of them, and counted beyond. */
export const CoverageReport = z.object({
  id: Uuid,
  episode_id: Uuid,
  verdict: CoverageVerdict,
  checked_at: Timestamp,
  witnesses: z.record(Witness, WitnessAnswer),
  counts: CoverageCounts,
  finding_count: Count,
  findings: z.array(CoverageFinding),
});
export type CoverageReport = z.infer<typeof CoverageReport>;

/** What is asked of an audit that somebody wants now. `repair`: what Langfuse lacks is sent again first. */
export const NewAudit = z.strictObject({ repair: z.boolean().default(false) });

/** The same, as its workflow takes it. */
export type CoverageAudit = { episode_id: string; repair: boolean };

/** An ended episode and its newest audit, of which there may be none yet. */
export const EpisodeCoverage = z.object({
  episode_id: Uuid,
  ended_at: Timestamp,
  verdict: CoverageVerdict.nullable(),
  checked_at: Timestamp.nullable(),
  counts: CoverageCounts.nullable(),
});
export type EpisodeCoverage = z.infer<typeof EpisodeCoverage>;

/** The most findings that one report names. */
export const FINDINGS_MAX = 1_000;
