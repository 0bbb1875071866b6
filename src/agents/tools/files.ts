import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { defineTool, PathArgument, pick, textOf } from './tool.ts';

const READ_LINES_MAX = 2_000;
/** What one read shows the model, in UTF-16 units: lines may be of any length. */
const READ_CHARS_MAX = 60_000;
const LISTED_MAX = 500;
const MATCHES_MAX = 200;

const ListFiles = z.strictObject({ path: PathArgument.default('/') });
const ReadFile = z.strictObject({
  path: PathArgument,
  offset: z.number().int().min(0).default(0).describe('the first line to read, counted from 0'),
  limit: z.number().int().min(1).max(READ_LINES_MAX).default(500).describe('how many lines to read'),
});
const WriteFile = z.strictObject({
  path: PathArgument,
  content: z.string().max(1_000_000),
  overwrite: z.boolean().default(false).describe('replace the file if it exists'),
});
const EditFile = z.strictObject({
  path: PathArgument,
  old_string: z.string().min(1).max(200_000).describe('text that occurs exactly once'),
  new_string: z.string().max(200_000),
});
const Grep = z.strictObject({
  pattern: z.string().min(1).max(1_000).describe('text to find, taken literally'),
  path: PathArgument.default('/'),
  glob: z.string().min(1).max(200).optional().describe('only in files whose name matches, such as *.md'),
});

/** How much of a file's beginning identifies it. In UTF-16 units. */
const SNIPPET_CHARS = 100;

/** The tools that see and change the agent's files. */
export const FILE_TOOLS = [
  defineTool({
    name: 'list_files',
    description: 'Lists a folder: one path a line, folders with a trailing slash.',
    read_only: true,
    input: ListFiles,
    facts: ({ args }) => [{ type: 'ls_files_tool', payload: pick(args, 'path') }],
    async run({ path }, { files }) {
      const found = await files.ls(path);
      const lines = found
        .slice(0, LISTED_MAX)
        .map((file) => (file.is_dir ? file.path : `${file.path} (${file.size} bytes)`));
      if (found.length > LISTED_MAX) lines.push(`… and ${found.length - LISTED_MAX} more`);
      return { content: lines.join('\n') || `${path} is empty`, result: { files: found.length } };
    },
  }),
  defineTool({
    name: 'read_file',
    description: 'Reads a text file, or a part of it by lines.',
    read_only: true,
    input: ReadFile,
    facts: ({ args }) => [{ type: 'read_file_tool', payload: pick(args, 'path') }],
    async run({ path, offset, limit }, { files }) {
      const { content, totalLines, nextOffset } = await files.read(path, { offset, limit });
      if (typeof content !== 'string') throw new AppError('invalid_argument', `${path} is not a text file`);
      const more = nextOffset === undefined ? '' : `\n[line ${nextOffset} of ${totalLines ?? 'more'} comes next]`;
      const cut = content.length - READ_CHARS_MAX;
      const shown =
        cut > 0 ? `${content.slice(0, READ_CHARS_MAX)}\n[${cut} characters left out: read fewer lines]` : content;
      return { content: shown + more || `${path} is empty`, result: { path, lines: totalLines ?? null } };
    },
  }),
  defineTool({
    name: 'write_file',
    description: 'Writes a text file. An existing one is only replaced with overwrite: true.',
    read_only: false,
    input: WriteFile,
    facts({ args }) {
      const { content } = args;
      const content_snippet = typeof content === 'string' ? content.slice(0, SNIPPET_CHARS) : '';
      return [{ type: 'write_file_tool', payload: { ...pick(args, 'path', 'overwrite'), content_snippet } }];
    },
    async run({ path, content, overwrite }, { files }) {
      const existing = await files.stat(path);
      if (existing && !overwrite)
        throw new AppError('already_exists', `${path} exists: edit it, or write it with overwrite: true`);
      await files.write(path, content);
      return {
        content: `wrote ${path} (${Buffer.byteLength(content)} bytes)`,
        result: { path, overwritten: Boolean(existing) },
      };
    },
  }),
  defineTool({
    name: 'edit_file',
    description: 'Replaces a text that occurs exactly once in a file.',
    read_only: false,
    input: EditFile,
    facts({ args, result }) {
      const num_edits = result['occurrences'] ?? null;
      return [{ type: 'edit_files_tool', payload: { ...pick(args, 'path'), num_edits } }];
    },
    async run({ path, old_string, new_string }, { files }) {
      const { occurrences } = await files.edit(path, { oldText: old_string, newText: new_string });
      return { content: `edited ${path}`, result: { path, occurrences } };
    },
  }),
  defineTool({
    name: 'grep',
    description: 'Finds lines that hold a text.',
    read_only: true,
    input: Grep,
    facts: ({ args }) => [{ type: 'grep_tool', payload: pick(args, 'pattern', 'path', 'glob') }],
    subject: ({ pattern }) => `"${textOf(pattern)}"`,
    async run({ pattern, path, glob }, { files }) {
      const found = await files.grep(pattern, { path, maxCount: MATCHES_MAX, ...(glob && { glob }) });
      const lines = found.matches.map((match) => `${match.path}:${match.line}: ${match.text}`);
      if (found.truncated) lines.push('… there are more: search a smaller folder');
      return { content: lines.join('\n') || 'no matches', result: { matches: found.matches.length } };
    },
  }),
];
