// A scene's files: exactly those that it names, whatever else lies about, and the right one of two with the same last name.
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { loadEngine } from '../../../src/simulation/engine.ts';
import { openScene } from '../../../src/simulation/scene.ts';
import { resolveScene } from '../../../src/simulation/scene-files.ts';
import { parseAgentPath } from '../../../src/storage/policy.ts';
import { dropBenchmark, dropScene } from './scenes.ts';

/** A tetrahedron of this size as OBJ. */
const tetrahedron = (size: number) =>
  `v 0 0 0\nv ${size} 0 0\nv 0 ${size} 0\nv 0 0 ${size}\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n`;
const scene = (rest: string, world = '') => dropScene({ rest, world }).xml;

/** What the engine makes of a scene in a workspace, and which files that took. */
async function open(workspace: Record<string, string>, path = '/scene.xml') {
  const resolved = await resolveScene(path, {
    locate: parseAgentPath,
    async read(file) {
      const text = workspace[file];
      if (text === undefined) throw new AppError('not_found', `there is no file ${file}`);
      return Buffer.from(text);
    },
  });
  using opened = openScene(await loadEngine(), resolved, { benchmark: dropBenchmark() });
  const { model } = opened;
  return { inputs: resolved.inputs, geoms: model.ngeom, meshes: model.nmesh, reach: Math.max(...model.geom_rbound) };
}

const refusal = (workspace: Record<string, string>, path?: string) =>
  open(workspace, path).then(
    () => 'opened',
    ({ code, message }: AppError) => `${code}: ${message}`,
  );

describe('the files of a scene', () => {
  it('are its includes, by their names, and what these name in turn', async () => {
    const opened = await open(
      {
        '/parts/scene.xml': scene('<include file="more/parts.xml"/><compiler meshdir="../meshes"/>'),
        '/parts/more/parts.xml':
          '<mujocoinclude><asset><mesh file="A.OBJ"/></asset><worldbody><geom type="mesh" mesh="A"/></worldbody></mujocoinclude>',
        '/meshes/A.OBJ': tetrahedron(0.1),
        '/meshes/unused.stl': 'x',
      },
      '/parts/scene.xml',
    );
    expect(opened).toMatchObject({ geoms: 3, meshes: 1 });
    expect(opened.inputs).toEqual(['/parts/scene.xml', '/parts/more/parts.xml', '/meshes/A.OBJ']);
  });

  it('are told apart where two have the same last name, in whichever order they are named', async () => {
    const both = { '/a/part.obj': tetrahedron(0.05), '/b/part.obj': tetrahedron(0.2) };
    const meshes = (first: string) =>
      scene(
        `<asset><mesh name="one" file="${first}/part.obj"/><mesh name="other" file="${first === 'a' ? 'b' : 'a'}/part.obj"/></asset>`,
        '<geom type="mesh" mesh="one" contype="0"/>',
      );
    const [small, large] = [
      await open({ ...both, '/scene.xml': meshes('a') }),
      await open({ ...both, '/scene.xml': meshes('b') }),
    ];
    expect([small.reach, large.reach].map((reach) => Math.round(reach * 100))).toEqual([6, 23]);
  });

  it('are those of a model that is attached, by the folder of that model', async () => {
    const opened = await open({
      '/scene.xml': scene(
        '<asset><model name="arm" file="arm/arm.xml"/></asset>',
        '<attach model="arm" body="arm" prefix="arm-"/>',
      ),
      '/arm/arm.xml':
        '<mujoco><compiler meshdir="meshes"/><asset><mesh file="link.obj"/></asset><worldbody><body name="arm"><geom type="mesh" mesh="link"/></body></worldbody></mujoco>',
      '/arm/meshes/link.obj': tetrahedron(0.1),
    });
    expect(opened.inputs).toEqual(['/scene.xml', '/arm/arm.xml', '/arm/meshes/link.obj']);
    expect(opened.meshes).toBe(1);
  });

  it('are not those in a comment', async () => {
    const opened = await open({ '/scene.xml': scene('<!-- <include file="gone.xml"/> -->') });
    expect(opened.inputs).toEqual(['/scene.xml']);
  });

  it.each([
    [
      'one that is missing',
      '<asset><mesh file="gone.stl"/></asset>',
      /<mesh> names the file "gone\.stl".*no file \/gone\.stl/,
    ],
    ['one above the workspace', '<include file="../../etc/passwd"/>', /"\.\.\/\.\.\/etc\/passwd".*beyond the root/],
  ])('are refused by name: %s', async (_what, rest, message) => {
    const said = await refusal({ '/scene.xml': scene(rest), '/other/gone.stl': 'x' });
    expect(said).toMatch(/^invalid_argument/);
    expect(said).toMatch(message);
  });
});
