import type { AgentDefinition } from '../agents/role.ts';
import { findScript } from '../agents/scripts/scripts.ts';
import { RefusedRequest } from '../api/problem.ts';
import type { StartEpisode } from '../schemas/episode.ts';
import type { MemberError } from '../schemas/problem.ts';

/** The model that plays a transcript among the inputs, and the path at which it looks for it. */
const TRANSCRIPT_MODEL = 'scripted:transcript';
const TRANSCRIPT_PATH = '/transcript.json';
const SCRIPTED = /^scripted(?::(?<name>.+))?$/;

/**
 * Holds a request against what its agent and its script cannot do without: what would fail some thoughts later is refused at
 * once. Throws RefusedRequest (`invalid_argument`) that names the inputs which are missing, or what a script was written for.
 */
export function checkInputs(agent: AgentDefinition, { model, inputs }: Pick<StartEpisode, 'model' | 'inputs'>): void {
  const errors: MemberError[] = [];
  const refuse = (pointer: string, code: string, message: string) =>
    errors.push({ in: 'body', pointer, code, message });
  const need = (path: string, who: string) => {
    if (!inputs.some((input) => input.path === path))
      refuse(
        '/inputs',
        'missing',
        `has no ${path}, which ${who} needs: PUT the file to /v1/artifacts/{sha256} and name it here`,
      );
  };
  for (const path of agent.needs ?? []) need(path, `the agent ${agent.name}`);
  if (model === TRANSCRIPT_MODEL) need(TRANSCRIPT_PATH, `the model ${model}`);
  const match = SCRIPTED.exec(model);
  const script = match && model !== TRANSCRIPT_MODEL ? findScript(match.groups?.['name']) : undefined;
  if (script) {
    const what = `the script ${script.name} was written for ${script.example}: name another model, or play a transcript of your own (${TRANSCRIPT_MODEL})`;
    if (!agent.roles.every((role) => script.lines[role.name])) refuse('/agent', 'other_script', what);
    else if (!inputs.some(({ path, sha256 }) => script.plays[path] === sha256)) refuse('/model', 'other_script', what);
  }
  if (errors.length > 0)
    throw new RefusedRequest(
      'invalid_argument',
      `An episode with these inputs cannot work. ${errors.map(({ pointer, message }) => `\`${pointer.slice(1)}\` ${message}`).join('; ')}.`,
      errors,
    );
}
