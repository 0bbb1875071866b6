import { AppError } from '../errors.ts';
import type { Episode } from '../schemas/episode.ts';
import type { WorkspaceManifest } from '../schemas/workspace.ts';
import { RENDERS } from '../storage/backends/agent-files.ts';
import { createFilePolicy, isWithin } from '../storage/policy.ts';
import type { FilePolicy, FileRule } from '../storage/policy.ts';
import { protectedInputs } from './role.ts';
import type { AgentDefinition, Role, Writes } from './role.ts';

/** What nobody writes: what simulations made, and the names under which the record itself keeps a step's contents. */
const NOBODY = [RENDERS, '/.observatory'];

/**
 * What a role may do with files. An episode's inputs are what its result is judged by, so nobody changes one unless the
 * role is allowed to by the file's own name, and not just because it may write anywhere.
 */
export function createRolePolicy(role: Role, inputs: Episode['inputs']): FilePolicy {
  const policy = createFilePolicy(rulesOf(role.writes));
  const given = protectedInputs(role, inputs);
  const isGiven = (path: string) => [...given].some((input) => isWithin(input, path));
  return {
    allows: (access, path) => policy.allows(access, path) && !(access === 'write' && isGiven(path)),
    allowsBelow: (access, folder) => policy.allowsBelow(access, folder),
    check(access, path) {
      policy.check(access, path);
      if (access === 'write' && isGiven(path))
        throw new AppError('permission_denied', `Writing ${path} is not allowed: the episode was started with it.`);
    },
  };
}

/**
 * Paths that a role may not write to: what its commands find read-only, so that they fail where its file tools would.
 * Beside the inputs these are the files that other roles of its team work on.
 */
export function writeProtectedPaths(
  { roles }: Pick<AgentDefinition, 'roles'>,
  role: Role,
  inputs: Episode['inputs'],
): string[] {
  const policy = createRolePolicy(role, inputs);
  const worked = roles.flatMap(({ writes }) => writes.allow).filter((path) => path !== '/');
  const everyones = [...worked, ...NOBODY].filter((path) => !policy.allows('write', path));
  return [...new Set([...everyones, ...protectedInputs(role, inputs)])];
}

/**
 * Throws permission_denied, naming the file, when one that the policy protects differs between two states of a
 * workspace: a command could replace it in ways that no mount forbids, by moving the folder that it lies in.
 */
export function checkChanges(policy: FilePolicy, before: WorkspaceManifest, after: WorkspaceManifest): void {
  const version = ({ mode, sha256 }: WorkspaceManifest['files'][number]) => `${mode} ${sha256}`;
  const old = new Map(before.files.map((file) => [file.path, version(file)]));
  for (const file of after.files) {
    if (old.get(file.path) !== version(file)) policy.check('write', file.path);
    old.delete(file.path);
  }
  for (const path of old.keys()) policy.check('write', path);
}

function rulesOf({ allow, deny = [] }: Writes): FileRule[] {
  const rules = (effect: FileRule['effect'], prefixes: readonly string[]): FileRule[] =>
    prefixes.map((prefix) => ({ effect, access: 'write', prefix }));
  return [
    { effect: 'allow', access: 'read', prefix: '/' },
    ...rules('allow', allow),
    ...rules('deny', [...deny, ...NOBODY]),
  ];
}
