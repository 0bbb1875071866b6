import { z } from 'zod';
import { event } from './envelope.ts';
import { AgentJsonObject, AgentText, Amount, Name, Path } from './fields.ts';

/** What was looked at: a file and whether the model got to see it. */
const inspected = {
  path: Path,
  mime_type: Name,
  media_kind: Name,
  attached_to_model: z.boolean(),
  attached_media_count: Amount,
};

/** What agents do with their tools, and what models are shown. */
export const TOOL_EVENTS = [
  event('tool_invocation', 1, { tool_name: AgentText, arguments: AgentJsonObject }),
  event('ls_files_tool', 1, { path: Path }),
  event('grep_tool', 1, { pattern: AgentText, path: Path.optional(), glob: AgentText.optional() }),
  event('read_file_tool', 1, { path: Path }),
  event('write_file_tool', 1, { path: Path, content_snippet: AgentText.optional(), overwrite: z.boolean() }),
  event('edit_files_tool', 1, { path: Path, num_edits: Amount }),
  event('run_command_tool', 1, { command: AgentText }),
  event('inspect_media_tool', 1, inspected),
  event('git_commit_tool', 1, { message: AgentText }),
  event('media_inspection', 1, { ...inspected, review_stage: Name.optional() }),
  event('llm_media_attached', 1, {
    path: Path,
    mime_type: Name,
    media_kind: Name,
    node_name: Name,
    tool_name: Name,
    attached_media_count: Amount,
  }),
] as const;
