import { z } from 'zod';
import { FailureReason } from '../simulation.ts';
import { event } from './envelope.ts';
import { AgentJson, AgentJsonObject, AgentText, Amount, listOf, Name, Path, Quantity } from './fields.ts';

/** The reasons that the first version of the event knows. */
const FailureReasonV1 = FailureReason.exclude(['PAYLOAD_DRIVEN', 'STATE_DIVERGED', 'ARENA_FULL', 'ENGINE_FAILED']);

const simulationResult = <Reason extends z.ZodType>(failure_reason: Reason) => ({
  success: z.boolean(),
  failure_reason,
  failure: AgentJson.optional(),
  time_elapsed_s: Quantity,
  compute_time_ms: Quantity,
  simulation_run_id: Name.optional(),
  metadata: AgentJsonObject,
});

/** Requests for simulations and renders, and their results. Names end with their unit. */
export const SIMULATION_EVENTS = [
  event('simulation_request', 1, { script_path: Path }),
  event('simulation_result', 1, simulationResult(FailureReasonV1)),
  event('simulation_result', 2, simulationResult(FailureReason)),
  event('simulation_instability', 1, {
    instability_type: Name,
    part_ids: listOf(Name),
    value: Quantity.optional(),
    message: AgentText.optional(),
  }),
  event('simulation_backend_selected', 1, { backend: Name, fem_enabled: z.boolean(), compute_target: Name }),
  event('render_request_engineer', 1, { num_views: Amount }),
  event('render_request_benchmark', 1, { num_views: Amount }),
  event('part_breakage', 1, {
    part_label: Name,
    stress_mpa: Quantity,
    ultimate_mpa: Quantity,
    location: z.array(Quantity).length(3),
    step: Amount,
  }),
  event('fluid_containment_check', 1, { fluid_id: Name, ratio: Quantity, threshold: Quantity, passed: z.boolean() }),
  event('flow_rate_check', 1, {
    fluid_id: Name,
    measured_rate: Quantity,
    target_rate: Quantity,
    passed: z.boolean(),
  }),
  event('stress_summary', 1, { part_label: Name, max_von_mises: Quantity, safety_factor: Quantity }),
  event('meshing_failure', 1, { part_label: Name, error: AgentText, retry_count: Amount, repaired: z.boolean() }),
  event('physics_instability', 1, { kinetic_energy: Quantity, threshold: Quantity, step: Amount }),
  event('gpu_oom_retry', 1, { original_particles: Amount, reduced_particles: Amount }),
] as const;
