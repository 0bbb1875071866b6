import { z } from 'zod';
import { event } from './envelope.ts';
import { AgentJsonObject, AgentText, listOf, Name, Path, Quantity } from './fields.ts';

/** Parts and code: what is used, what can be made, what does not hold, what it costs and weighs. */
export const DESIGN_EVENTS = [
  event('component_usage', 1, {
    category: Name,
    part_number: Name,
    label: AgentText,
    price: Quantity,
    weight_g: Quantity,
  }),
  event('manufacturability_check', 1, {
    part_id: Name,
    method: Name,
    result: z.boolean(),
    price: Quantity.optional(),
    weight_g: Quantity.optional(),
    metadata: AgentJsonObject,
  }),
  event('scene_validation', 1, { result: z.boolean(), errors: listOf(AgentText) }),
  event('lint_failure_code', 1, { file_path: Path, errors: listOf(AgentText) }),
  event('lint_failure_docs', 1, { file_path: Path, errors: listOf(AgentText) }),
  event('logic_failure', 1, { file_path: Path, constraint_name: Name, error_message: AgentText }),
  event('cost_weight_delta', 1, {
    best_simulated_cost: Quantity,
    best_simulated_weight_g: Quantity,
    final_cost: Quantity,
    final_weight_g: Quantity,
    is_worse: z.boolean(),
  }),
  event('library_usage', 1, { module_name: Name, usage_type: Name, path: Path }),
] as const;
