import { event } from './envelope.ts';
import { AgentText, Amount, listOf, Name, Path } from './fields.ts';

/** What agents look up, learn and must forget: the catalogue of parts, skills, and long conversations. */
export const KNOWLEDGE_EVENTS = [
  event('cots_search', 1, {
    query: AgentText,
    results_count: Amount,
    catalog_version: Name.optional(),
    generated_at: Name.optional(),
    cots_query_id: Name.optional(),
    catalog_snapshot_id: Name.optional(),
    candidates: listOf(Name),
    selected_part_ids: listOf(Name),
  }),
  event('cots_selection', 1, { selected_part_ids: listOf(Name), query_ids: listOf(Name) }),
  event('skill_read', 1, { skill_path: Path, skill_name: Name }),
  event('skill_edit', 1, { skill_name: Name, action: Name, lines_changed: Amount }),
  event('conversation_length_exceeded', 1, {
    previous_length: Amount,
    threshold: Amount,
    compacted_length: Amount.optional(),
    compaction_strategy: Name,
    message: AgentText,
  }),
] as const;
