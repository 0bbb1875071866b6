import { describe, expect, it } from 'vitest';
import { fileTypeOf, isText } from '../../../src/storage/content-type.ts';

describe('what a file is by its name', () => {
  it.each([
    ['/renders/r1/sim.mp4', 'VIDEO', 'video/mp4'],
    ['/scene.xml', 'MJCF', 'application/xml'],
    ['/poster.PNG', 'IMAGE', 'image/png'],
    ['/part.step', 'STEP', 'model/step'],
    ['/funnel.stl', 'STL', 'model/stl'],
    ['/funnel.glb', 'GLB', 'model/gltf-binary'],
    ['/solution_script.mjs', 'CODE', 'text/javascript; charset=utf-8'],
    ['/engineering_plan.md', 'MARKDOWN', 'text/markdown; charset=utf-8'],
    ['/renders/r1/trajectory.json', 'TIMELINE', 'application/json'],
    ['/simulation_result.json', 'OTHER', 'application/json'],
    ['/run.log', 'LOG', 'text/plain; charset=utf-8'],
    ['/turn-3.bundle', 'GIT_ARCHIVE', 'application/x-git-bundle'],
    ['/workspace.git.tar.gz', 'GIT_ARCHIVE', 'application/gzip'],
    ['/Makefile', 'OTHER', 'application/octet-stream'],
    ['/png', 'OTHER', 'application/octet-stream'],
  ])('%s is %s', (path, kind, content_type) => {
    expect(fileTypeOf(path)).toMatchObject({ kind, content_type });
  });

  it('looks at the bytes where the name does not decide', () => {
    expect(isText('/Makefile', Buffer.from('all: größe\n'))).toBe(true);
    expect(isText('/core', Buffer.from([0x7f, 0x45, 0, 1]))).toBe(false);
    expect(isText('/funnel.stl', Buffer.from('solid funnel'))).toBe(true);
    expect(isText('/funnel.stl', Buffer.from([0xff, 0xfe, 0x10]))).toBe(false);
    expect(isText('/picture.png', Buffer.from('plain'))).toBe(false);
  });
});
