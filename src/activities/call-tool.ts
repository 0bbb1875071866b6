import type { Kysely } from 'kysely';
import { z } from 'zod';
import { listFilesMade } from '../db/read/artifacts.ts';
import { getEpisode } from '../db/read/episodes.ts';
import { getStep } from '../db/read/steps.ts';
import { AppError } from '../errors.ts';
import type { ArtifactLink } from '../schemas/artifact.ts';
import type { Database } from '../schemas/database.ts';
import type { Episode, Failure } from '../schemas/episode.ts';
import { stepKeyOfCall } from '../schemas/identity.ts';
import type { JsonObject } from '../schemas/primitives.ts';
import { ThoughtOutput } from '../schemas/step.ts';
import type { Step, ToolOutput } from '../schemas/step.ts';
import type { CallReport, CallRequest } from '../schemas/turn.ts';
import { createAgentFiles, RENDERS } from '../storage/backends/agent-files.ts';
import type { ArtifactIndex } from '../storage/backends/s3-backend.ts';
import { fileTypeOf } from '../storage/content-type.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createFilePolicy } from '../storage/policy.ts';
import { getAgent } from './agent/agents.ts';
import { archiveWorkspace } from './git-archive.ts';
import { heartbeating } from './heartbeat.ts';
import type { JsonStore } from './json-store.ts';
import type { AttemptContext, RecordStep, StepResult } from './record.ts';
import type { Sandbox } from './tools/sandbox.ts';
import type { Tool } from './tools/tool.ts';
import type { Workspaces } from './workspaces.ts';

export type CallToolDeps = {
  db: Kysely<Database>;
  store: ObjectStore;
  json: JsonStore;
  recordStep: RecordStep;
  registry: ReadonlyMap<string, Tool>;
  workspaces: Workspaces;
  sandbox: Sandbox;
  /** The queue that only this worker serves: calls come back to where the workspace lies. */
  workspace_queue: string;
};

/** The activities that run calls. `simulate` is the same under another name, for a queue and a place in Temporal's UI of its own. */
export function createCallToolActivities(deps: CallToolDeps) {
  /** Runs one call of a thought, recorded as a step. What the agent did wrong is its result; the system's failures are thrown. */
  const callTool = heartbeating(async (request: CallRequest): Promise<CallReport> => {
    const { step: identity, call, parent_key, checkpoint_id } = request;
    const { parent_seq: thought_seq } = identity;
    const episode = await getEpisode(deps.db, identity.episode_id);
    const parent = await getStep(deps.db, identity.episode_id, thought_seq);
    const { tool_calls } = ThoughtOutput.parse(await deps.json.unpack(parent.output));
    const asked = tool_calls.find(({ id }) => id === call.id);
    if (!asked) throw new AppError('data_loss', `step ${parent.seq} asks for no call ${call.id}`);
    const subject = {
      step_key: stepKeyOfCall(parent_key, call.id),
      kind: call.kind,
      agent: parent.agent,
      node: 'tools',
      name: call.name,
      input: asked.args,
      model: null,
      checkpoint_id,
    };
    await deps.recordStep(identity, subject, async (context) => {
      const found = findTool(deps.registry, toolsOf(episode, parent.agent), asked);
      return 'error' in found ? found : runTool(deps, { ...found, episode, context });
    });
    return { workspace_queue: call.kind === 'simulation' ? null : deps.workspace_queue };
  });
  return { callTool, simulate: callTool };
}

const toolsOf = (episode: Episode, roleName: string) =>
  getAgent(episode.agent).roles.find(({ name }) => name === roleName)?.tools ?? [];

type Found = { tool: Tool; args: Record<string, unknown> };

/** The tool and its checked arguments, or what the agent is told instead. */
function findTool(
  registry: ReadonlyMap<string, Tool>,
  tools: readonly string[],
  { name, args }: { name: string; args: JsonObject },
): Found | (StepResult & { error: Failure }) {
  const tool = tools.includes(name) ? registry.get(name) : undefined;
  if (!tool) return agentFailure(new AppError('not_found', `there is no tool "${name}": you have ${tools.join(', ')}`));
  const parsed = tool.input.safeParse(args);
  if (parsed.success) return { tool, args: parsed.data };
  return agentFailure(
    new AppError('invalid_argument', `wrong arguments for ${name}:\n${z.prettifyError(parsed.error)}`),
  );
}

function agentFailure({ code, message }: AppError): StepResult & { error: Failure } {
  const output: ToolOutput = { content: message };
  return { output, error: { code, message }, search_text: message };
}

type Run = Found & { episode: Episode; context: AttemptContext };

async function runTool(deps: CallToolDeps, { tool, args, episode, context }: Run): Promise<StepResult> {
  const { step, attempt, log, signal } = context;
  const workspace = await deps.workspaces.open(episode, step.seq, { fresh: attempt > 1 });
  if (!tool.read_only) workspace.sha256 = null; // not to be trusted again before it is stored
  const made: ArtifactLink[] = [];
  const files = createAgentFiles({
    workspaceDir: workspace.dir,
    store: deps.store,
    index: indexOf(deps.db, step, made),
    policy: WORKSPACE_POLICY,
  });
  const result = await tool
    .run(args as never, { episode, step, files, workspace_dir: workspace.dir, sandbox: deps.sandbox, log, signal })
    .then((output): StepResult => ({ output, search_text: output.content }))
    .catch((thrown: unknown) => {
      const error = AppError.from(thrown);
      if (!error.agentVisible || signal.aborted) throw thrown;
      return agentFailure(error);
    });
  if (tool.read_only) return { ...result, artifacts: made };
  const { sha256, size_bytes, changed, skipped } = await deps.workspaces.snapshot(workspace);
  for (const line of skipped) log.write('system', line, 'warning');
  const artifacts = [...made, ...changed];
  const { turn_end } = result.output as ToolOutput;
  if (turn_end) {
    const message = `${step.agent}: ${turn_end.kind === 'submitted' ? turn_end.summary : turn_end.decision}`;
    artifacts.push(await archiveWorkspace(deps, { step, workspace, message, signal }));
  }
  return { ...result, artifacts, workspace: { sha256, size_bytes } };
}

/** Agents may do anything in their workspace; what simulations rendered is there to be read. */
const WORKSPACE_POLICY = createFilePolicy([
  { effect: 'allow', access: 'any', prefix: '/' },
  { effect: 'deny', access: 'write', prefix: RENDERS },
]);

/** What the S3 backend finds at a path: files that earlier steps of the episode made, and those of this step. */
function indexOf(db: Kysely<Database>, step: Step, made: ArtifactLink[]): ArtifactIndex {
  const list = async (prefix: string) => {
    const { episode_id, seq } = step;
    const earlier = await listFilesMade(db, { episode_id, prefix, before: seq });
    const own = made.filter(({ path }) => path.startsWith(prefix));
    return [...new Map([...earlier, ...own].map((file) => [file.path, file])).values()];
  };
  return {
    list,
    find: async (path) => (await list(path)).find((file) => file.path === path),
    add: async (path, { sha256, size_bytes, content_type }) => {
      made.push({ role: 'output', path, sha256, size_bytes, content_type, kind: fileTypeOf(path).kind, clock: null });
    },
  };
}
