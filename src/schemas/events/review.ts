import { z } from 'zod';
import { event } from './envelope.ts';
import { AgentJsonObject, AgentText, Amount, listOf, Name, named, Path, Quantity } from './fields.ts';

/** The decision of a review, in the words of the agents' code base. */
const ReviewDecision = z.enum([
  'APPROVED',
  'REJECTED',
  'REJECT_PLAN',
  'REJECT_CODE',
  'CONFIRM_PLAN_REFUSAL',
  'REJECT_PLAN_REFUSAL',
]);

/** Plans handed in, reviews, and what happens between them. */
export const REVIEW_EVENTS = [
  event('plan_submission_benchmark', 1, { plan_path: Path }),
  event('plan_submission_engineer', 1, { plan_path: Path }),
  event('submission_validation', 1, {
    artifacts_present: listOf(Path),
    verification_passed: z.boolean(),
    reasoning_trace_quality: z.number().min(0).max(1),
    errors: listOf(AgentText),
  }),
  event('review_decision', 1, {
    decision: ReviewDecision,
    reason: AgentText,
    review_id: Name.optional(),
    evidence_stats: z.strictObject({
      has_sim_report: z.boolean(),
      has_mfg_report: z.boolean(),
      num_renders: Amount,
      simulations_run: Amount,
      review_decision_path: Path.optional(),
      review_comments_path: Path.optional(),
    }),
    checklist: named(z.union([AgentText, Quantity, z.boolean()])),
  }),
  event('excessive_dof_detected', 1, {
    reviewer_stage: Name,
    part_id: Name,
    proposed_dofs: listOf(Name),
    expected_minimal_dofs: listOf(Name),
    dof_count: Amount,
    dof_count_gt_3: z.boolean(),
  }),
  event('escalation_request', 1, {
    reason: AgentText,
    current_price: Quantity.optional(),
    current_weight: Quantity.optional(),
  }),
  event('escalation_decision', 1, { decision: Name, comments: listOf(AgentText) }),
  event('node_entry_validation_failed', 1, {
    node: Name,
    disposition: Name,
    reason_code: Name,
    errors: listOf(AgentJsonObject),
    reroute_target: Name.optional(),
  }),
] as const;
