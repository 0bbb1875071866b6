import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAgents, roleOf } from '../../../../src/agents/agents.ts';
import { checkChanges, createRolePolicy, writeProtectedPaths } from '../../../../src/agents/policies.ts';
import type { FilePolicy } from '../../../../src/storage/policy.ts';
import { parseAgentPath } from '../../../../src/storage/policy.ts';

const { list: listAgents } = createAgents(new Map());
const ROLES = listAgents().flatMap(({ roles }) => roles.map(({ name }) => name));
const teamOf = (role: string) => listAgents().find(({ roles }) => roles.some(({ name }) => name === role))!;
const roleNamed = (role: string) => roleOf(teamOf(role), role);
const SHA = 'a'.repeat(64);
const INPUTS = [{ path: '/benchmark_definition.yaml', sha256: SHA }];
const denied = expect.objectContaining({ code: 'permission_denied' });

describe('the file policy of', () => {
  it.each([
    ['engineer_planner', ['/engineering_plan.md', '/todo.md', '/assembly_definition.yaml', '/journal.md']],
    ['electronics_planner', ['/engineering_plan.md', '/assembly_definition.yaml', '/journal.md']],
    ['engineer_plan_reviewer', ['/reviews/round-1.yaml', '/journal.md']],
    ['engineer_coder', ['/solution_script.mjs', '/scene.xml', '/meshes/funnel.stl', '/journal.md', '/rendersfoo/x']],
    ['engineer_execution_reviewer', ['/reviews/round-1.yaml', '/journal.md']],
    ['engineer', ['/solution_script.mjs', '/review.md', '/reviews/a.md', '/engineering_plan.md']],
  ])('%s lets it write what is its work', (role, paths) => {
    const policy = createRolePolicy(roleNamed(role), INPUTS);
    expect(paths.filter((path) => !policy.allows('write', path))).toEqual([]);
  });

  it.each([
    ['engineer_planner', ['/solution_script.mjs', '/scene.xml', '/reviews/a.yaml', '/engineering_plan.md.bak']],
    ['electronics_planner', ['/solution_script.mjs', '/scene.xml', '/reviews/a.yaml']],
    ['engineer_plan_reviewer', ['/engineering_plan.md', '/solution_script.mjs', '/reviewsfoo/a', '/reviews.yaml']],
    ['engineer_coder', ['/reviews', '/reviews/a.yaml']],
    ['engineer_execution_reviewer', ['/solution_script.mjs', '/scene.xml']],
  ])('%s refuses it the work of others', (role, paths) => {
    const policy = createRolePolicy(roleNamed(role), INPUTS);
    for (const path of paths) expect(() => policy.check('write', path)).toThrow(denied);
  });

  it('a role that its team does not have lets it write nothing, and gives it no tool', () => {
    const [team] = listAgents();
    const stranger = roleOf(team!, 'engineer_coder_2');
    expect(stranger.tools).toEqual([]);
    const policy = createRolePolicy(stranger, INPUTS);
    const paths = ['/', '/scene.xml', '/journal.md', '/reviews/a.yaml', '/anything'];
    expect(paths.filter((path) => policy.allows('write', path))).toEqual([]);
    expect(policy.allows('read', '/scene.xml')).toBe(true);
  });

  it.each(ROLES)('%s shows it everything, and lets it change no input, no rendering and no record', (role) => {
    const policy = createRolePolicy(roleNamed(role), INPUTS);
    for (const path of [
      '/benchmark_definition.yaml',
      '/renders',
      '/renders/a.mp4',
      '/.observatory/steps/1/input.json',
    ]) {
      expect(policy.allows('read', path)).toBe(true);
      expect(() => policy.check('write', path)).toThrow(denied);
    }
    expect(policy.allowsBelow('read', '/')).toBe(true);
  });

  it.each(ROLES)('%s never lets it write what a rule denies, however the path is written', (role) => {
    const policy = createRolePolicy(roleNamed(role), INPUTS);
    const closed = writeProtectedPaths(teamOf(role), roleNamed(role), INPUTS);
    const noise = fc.array(fc.constantFrom('.', '', 'x/..', 'renders/..', 'rendersfoo/..'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...closed), noise, fc.constantFrom('', '/a', '//a/./b/'), (path, before, below) => {
        const written = `/${[...before, path].join('/')}${below}`;
        expect(policy.allows('write', parseAgentPath(written))).toBe(false);
      }),
    );
  });

  it('a role lets it mend an input that is its own work by name, such as an old solution', () => {
    const inputs = [...INPUTS, { path: 'solution_script.mjs', sha256: SHA }];
    expect(createRolePolicy(roleNamed('engineer_coder'), inputs).allows('write', '/solution_script.mjs')).toBe(true);
    expect(createRolePolicy(roleNamed('engineer_planner'), inputs).allows('write', '/solution_script.mjs')).toBe(false);
  });

  it('an episode may have as many inputs as it can be started with', () => {
    const inputs = Array.from({ length: 1_000 }, (_, i) => ({ path: `/given/${i}.txt`, sha256: SHA }));
    const policy = createRolePolicy(roleNamed('engineer'), inputs);
    expect(policy.allows('write', '/given/999.txt')).toBe(false);
    expect(policy.allows('write', '/given/1000.txt')).toBe(true);
  });
});

describe('a call’s changes to a workspace', () => {
  const file = (path: string, digit = 'a') => ({
    path,
    mode: '100644' as const,
    size_bytes: 1,
    sha256: digit.repeat(64),
  });
  const state = (...files: ReturnType<typeof file>[]) => ({ version: 1 as const, files });
  const policy: FilePolicy = createRolePolicy(roleNamed('engineer_coder'), INPUTS);
  const given = file('/benchmark_definition.yaml');

  it('pass where the role may write', () => {
    const change = () =>
      checkChanges(policy, state(given, file('/a'), file('/old')), state(given, file('/a', 'b'), file('/new')));
    expect(change).not.toThrow();
  });

  it.each([
    ['changed', state(file('/benchmark_definition.yaml', 'b'))],
    ['made executable', state({ ...given, mode: '100755' as never })],
    ['removed', state()],
    ['joined by what others write', state(given, file('/reviews/forged.yaml'))],
  ])('are refused where a protected file is %s', (_how, after) => {
    expect(() => checkChanges(policy, state(given), after)).toThrow(denied);
  });
});
