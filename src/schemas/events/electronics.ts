import { z } from 'zod';
import { event } from './envelope.ts';
import { AgentText, Amount, listOf, Name, named, Quantity } from './fields.ts';

/** Circuits, wires and power. */
export const ELECTRONICS_EVENTS = [
  event('circuit_validation', 1, {
    result: z.boolean(),
    total_draw_a: Quantity,
    errors: listOf(AgentText),
    warnings: listOf(AgentText),
  }),
  event('wire_routing', 1, {
    wire_count: Amount,
    total_length_mm: Quantity,
    clearance_passed: z.boolean().optional(),
    errors: listOf(AgentText),
  }),
  event('power_budget_check', 1, {
    total_draw_a: Quantity,
    max_capacity_a: Quantity,
    margin_a: Quantity,
    is_safe: z.boolean(),
  }),
  event('electrical_failure', 1, { failure_type: Name, component_id: Name.optional(), message: AgentText }),
  event('elec_agent_handover', 1, { from_agent: Name, to_agent: Name, iteration_count: Amount }),
  event('circuit_simulation', 1, { duration_s: Quantity, motor_states: named(AgentText) }),
  event('wire_torn', 1, { wire_id: Name, force_n: Quantity, limit_n: Quantity }),
  event('power_budget_warning', 1, { current_draw_a: Quantity, limit_a: Quantity, margin_pct: Quantity }),
] as const;
