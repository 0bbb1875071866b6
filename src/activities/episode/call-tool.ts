import { Readable } from 'node:stream';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { listFilesMade } from '../../db/read/artifacts.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { readSpent } from '../../db/read/spent.ts';
import { getStep } from '../../db/read/steps.ts';
import { findWorkspaceBefore } from '../../db/read/transcript.ts';
import { AppError } from '../../errors.ts';
import type { ArtifactLink } from '../../schemas/artifact.ts';
import type { Database } from '../../schemas/database.ts';
import type { Episode, Failure } from '../../schemas/episode.ts';
import { stepKeyOfCall } from '../../identity.ts';
import { storableJson } from '../../schemas/primitives.ts';
import type { JsonObject } from '../../schemas/primitives.ts';
import { ThoughtOutput, ToolOutput } from '../../schemas/step.ts';
import type { Step, ToolCall } from '../../schemas/step.ts';
import type { CallReport, CallRequest } from '../../schemas/turn.ts';
import { createAgentFiles, RENDERS } from '../../storage/backends/agent-files.ts';
import type { ArtifactIndex } from '../../storage/backends/s3-backend.ts';
import { fileTypeOf } from '../../storage/content-type.ts';
import { artifactUri } from '../../storage/keys.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { createFilePolicy } from '../../storage/policy.ts';
import type { FilePolicy } from '../../storage/policy.ts';
import { roleOf } from '../../agents/agents.ts';
import type { Agents } from '../../agents/agents.ts';
import { wayOf } from '../../agents/graph.ts';
import { checkChanges, createRolePolicy, writeProtectedPaths } from '../../agents/policies.ts';
import { archiveWorkspace } from '../record/archive.ts';
import { heartbeatingWith } from '../heartbeat.ts';
import type { JsonStore } from '../../storage/json-store.ts';
import type { AttemptContext, RecordStep, StepResult } from '../record/recorder.ts';
import { hashOfAsked } from './recorded-answers.ts';
import type { RecordedAnswers } from './recorded-answers.ts';
import type { ReadWords } from './words.ts';
import type { Sandbox } from '../../agents/tools/sandbox.ts';
import type { Tool, ToolContext } from '../../agents/tools/tool.ts';
import type { Workspace, Workspaces } from '../../storage/workspaces.ts';

export type CallToolDeps = {
  db: Kysely<Database>;
  store: ObjectStore;
  json: JsonStore;
  recordStep: RecordStep;
  recordedAnswers: RecordedAnswers;
  readWords: ReadWords;
  agents: Agents;
  registry: ReadonlyMap<string, Tool>;
  workspaces: Workspaces;
  sandbox: Sandbox;
  /** The queue that only this worker serves: calls come back to where the workspace lies. */
  workspace_queue: string;
};

/** The activities that run calls. `simulate` is the same under another name, for a queue and a place in Temporal's UI of its own. */
export function createCallToolActivities(deps: CallToolDeps) {
  /** Runs one call of a thought, recorded as a step. What the agent did wrong is its result; the system's failures are thrown. */
  const callTool = heartbeatingWith((progress) => async (request: CallRequest): Promise<CallReport> => {
    const { step: identity, call, parent_key, checkpoint_id } = request;
    const { parent_seq: thought_seq } = identity;
    const [episode, parent] = await Promise.all([
      getEpisode(deps.db, identity.episode_id),
      getStep(deps.db, identity.episode_id, thought_seq),
    ]);
    const { tool_calls } = ThoughtOutput.parse(await deps.json.unpack(parent.output));
    const declined = request.declined && {
      author: request.declined.author,
      text: await deps.readWords(identity.episode_id, request.declined),
    };
    const asked = tool_calls.find(({ id }) => id === call.id);
    if (!asked) throw new AppError('data_loss', `step ${parent.seq} asks for no call ${call.id}`);
    const subject = {
      step_key: call.place?.key ?? stepKeyOfCall(parent_key, call.id),
      kind: call.kind,
      agent: parent.agent,
      node: 'tools',
      name: call.name,
      input: asked.args,
      model: null,
      checkpoint_id,
    };
    const { id, output, error } = await deps.recordStep(identity, subject, async (context) => {
      const workspace = (await findWorkspaceBefore(deps.db, episode.id, identity.seq)) ?? null;
      const asked_sha256 = call.place?.asked_sha256 ?? hashOfAsked({ call: storableJson(asked), workspace, declined });
      const recorded = await deps.recordedAnswers.take(episode, context, asked_sha256);
      const found = findTool(deps, { episode, role: parent.agent }, asked);
      if (recorded) return { ...recorded, ...(!('error' in found) && { took: found.args as JsonObject }) };
      const answer = async () => {
        if (declined) {
          const said = `${declined.author} declined this call: ${declined.text || 'no reason given'}`;
          return agentFailure(new AppError('permission_denied', said));
        }
        return 'error' in found ? found : runTool(deps, { ...found, episode, context, progress, before: workspace });
      };
      return { ...(await answer()), asked_sha256 };
    });
    const ends = !error && deps.registry.get(call.name)?.ends_turn;
    const { turn_end } = ends ? ToolOutput.parse(await deps.json.unpack(output)) : {};
    return {
      workspace_queue: call.kind === 'simulation' ? null : deps.workspace_queue,
      spent_ms: await readSpent(deps.db, id),
      ...(turn_end && { ended: wayOf(turn_end) }),
      ...(error && { failed: error.code }),
    };
  });
  return { callTool, simulate: callTool };
}

type Found = { tool: Tool; args: Record<string, unknown> };

/** The tool and its checked arguments, or the error that the agent is shown instead. */
function findTool(
  { agents, registry }: Pick<CallToolDeps, 'agents' | 'registry'>,
  { episode, role }: { episode: Episode; role: string },
  { name, args, malformed }: ToolCall,
): Found | (StepResult & { error: Failure }) {
  const agent = agents.get(episode.agent);
  // The tools of the role, without those that this episode refuses.
  const tools = roleOf(agent, role).tools.filter((one) => episode.approvals[one] !== 'never');
  const tool = tools.includes(name) ? (agent.own?.brought.get(name)?.tool ?? registry.get(name)) : undefined;
  if (!tool) return agentFailure(new AppError('not_found', `there is no tool "${name}": you have ${tools.join(', ')}`));
  if (malformed !== undefined)
    return agentFailure(
      new AppError('invalid_argument', `the arguments of ${name} are not a whole JSON object:\n${malformed}`),
    );
  const parsed = tool.input.safeParse(args);
  if (parsed.success) return { tool, args: parsed.data };
  return agentFailure(
    new AppError('invalid_argument', `wrong arguments for ${name}:\n${z.prettifyError(parsed.error)}`),
  );
}

function agentFailure({ code, message }: Failure): StepResult & { error: Failure } {
  const output: ToolOutput = { content: message };
  return { output, error: { code, message }, search_text: message };
}

/** `before` names the workspace as the call finds it; null while nothing has changed it. */
type Run = Found & {
  episode: Episode;
  context: AttemptContext;
  progress: ToolContext['progress'];
  before: string | null;
};

async function runTool(deps: CallToolDeps, run: Run): Promise<StepResult> {
  const { tool, args, episode, context } = run;
  const { step, attempt, log, signal } = context;
  const workspace = await deps.workspaces.open(episode, run.before, { fresh: attempt > 1 });
  if (!tool.read_only) workspace.sha256 = null; // not to be trusted again before it is stored
  const agent = deps.agents.get(episode.agent);
  const role = roleOf(agent, step.agent);
  const policy = createRolePolicy(role, episode.inputs);
  const before = workspace.manifest;
  const artifacts: ArtifactLink[] = [];
  const result = await orAgentFailure(signal, async () => {
    // Only commands ask for them.
    const protected_paths = () => writeProtectedPaths(agent, role, episode.inputs);
    const using = { workspace, artifacts, policy, protected_paths };
    const output = await tool.run(args as never, toolContext(deps, run, using));
    return { output, search_text: output.content, took: args as JsonObject };
  });
  if (tool.read_only) return { ...result, artifacts };
  const kept = await orAgentFailure(signal, async () => {
    const { sha256, size_bytes, changed, skipped } = await deps.workspaces.snapshot(workspace);
    checkChanges(policy, before, workspace.manifest);
    for (const line of skipped) log.write('system', line, 'warning');
    artifacts.push(...changed);
    const { turn_end } = result.output as ToolOutput;
    if (turn_end) {
      const message = `${step.agent}: ${turn_end.kind === 'submitted' ? turn_end.summary : turn_end.decision}`;
      artifacts.push(await archiveWorkspace(deps, { step, workspace, message, signal }));
    }
    return { ...result, artifacts, workspace: { sha256, size_bytes } };
  });
  if (!kept.error || result.error) return kept;
  // The workspace is beyond its limits or its policy: the next call finds it as it was before this one, and the agent is shown why.
  return agentFailure({ ...kept.error, message: `${kept.error.message} What this call changed was not kept.` });
}

/** What the agent did wrong becomes its result; everything else is thrown. */
async function orAgentFailure(signal: AbortSignal, work: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await work();
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (!error.agentVisible || signal.aborted) throw thrown;
    return agentFailure(error);
  }
}

type Using = Pick<ToolContext, 'protected_paths'> & {
  workspace: Workspace;
  artifacts: ArtifactLink[];
  policy: FilePolicy;
};

/** What one call of a tool may use. What it writes and works from is collected in `artifacts`. */
function toolContext(
  deps: CallToolDeps,
  { episode, context: { step, log, signal }, progress }: Run,
  { workspace, artifacts, policy, protected_paths }: Using,
): ToolContext {
  const { db, store, sandbox } = deps;
  const workspaceDir = workspace.dir;
  const index = indexOf(db, step, artifacts);
  const renders = createAgentFiles({ workspaceDir, store, index, policy: RENDER_POLICY });
  return {
    episode,
    step,
    sandbox,
    progress,
    log,
    signal,
    workspace_dir: workspaceDir,
    protected_paths,
    files: createAgentFiles({ workspaceDir, store, index, policy }),
    async render(path, bytes, { clock = null } = {}) {
      await renders.writeStream(path, Readable.from([bytes]));
      const link = artifacts.findLast((one) => one.path === path);
      if (!link) throw new AppError('internal', `${path} was written but not noted`);
      link.clock = clock;
      return { sha256: link.sha256, uri: artifactUri(store.bucket, link.sha256) };
    },
    async readInput(path) {
      const input = episode.inputs.find((one) => one.path === path || `/${one.path}` === path);
      if (!input) throw new AppError('failed_precondition', `the episode was not started with a file ${path}`);
      return store.readBytes(input.sha256, { maxBytes: INPUT_BYTES_MAX });
    },
    usedFile(path) {
      const file = workspace.manifest.files.find((one) => one.path === path);
      if (!file) return; // written in /renders, or ignored: nothing to trace back to
      const { content_type, kind } = fileTypeOf(path);
      const { sha256, size_bytes } = file;
      artifacts.push({ role: 'input', path, sha256, size_bytes, content_type, kind, clock: null });
    },
  };
}

/** What a tool reads of an episode's inputs is small: definitions, not videos. */
const INPUT_BYTES_MAX = 4 * 1024 * 1024;

const RENDER_POLICY = createFilePolicy([{ effect: 'allow', access: 'any', prefix: RENDERS }]);

/** What the S3 backend finds at a path: files that earlier steps of the episode made, and those of this step. */
function indexOf(db: Kysely<Database>, step: Step, artifacts: ArtifactLink[]): ArtifactIndex {
  const list = async (prefix: string) => {
    const { episode_id, seq } = step;
    const earlier = await listFilesMade(db, { episode_id, prefix, before: seq });
    const own = artifacts.filter(({ role, path }) => role === 'output' && path.startsWith(prefix));
    return [...new Map([...earlier, ...own].map((file) => [file.path, file])).values()];
  };
  return {
    list,
    find: async (path) => (await list(path)).find((file) => file.path === path),
    add: async (path, { sha256, size_bytes, content_type }) => {
      artifacts.push({
        role: 'output',
        path,
        sha256,
        size_bytes,
        content_type,
        kind: fileTypeOf(path).kind,
        clock: null,
      });
    },
  };
}
