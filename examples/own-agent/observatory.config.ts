import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from '@langchain/core/tools';
import { createAgent } from 'langchain';
import { defineAgent, defineConfig, defineTool } from 'problemologist-observatory/config';
import { z } from 'zod';

/** A tool of LangChain, as it is. */
const beamMoment = tool(({ force_n, length_m }) => ({ moment_nm: force_n * length_m }), {
  name: 'beam_moment',
  description: 'The bending moment at the wall of a beam that carries a force at its free end',
  schema: z.object({ force_n: z.number(), length_m: z.number().positive() }),
});

/** A tool with the episode's files: what it leaves in `folder` is part of the record. */
const writeReport = defineTool({
  name: 'write_report',
  description: 'Writes the report, once the moment is known',
  input: z.object({ moment_nm: z.number(), verdict: z.string().min(1) }),
  read_only: false,
  async run({ moment_nm, verdict }, { folder, log }) {
    await writeFile(join(folder, 'report.md'), `# Beam\n\nMoment at the wall: ${moment_nm} N m.\n\n${verdict}\n`);
    log(`wrote report.md for ${moment_nm} N m`);
    return 'The report is written.';
  },
});

const beamClerk = defineAgent({
  name: 'beam_clerk',
  description: 'Works out the moment of a beam and reports on it',
  tools: [beamMoment, writeReport],
  graph: ({ model, tools }) =>
    createAgent({ model: model(), tools, systemPrompt: 'You are a clerk for beams. Compute first, then report.' }),
  outcome: (state) => (JSON.stringify(state['messages']).includes('is written') ? 'APPROVED' : 'REJECTED_BY_REVIEW'),
});

export default defineConfig({ agents: [beamClerk] });
