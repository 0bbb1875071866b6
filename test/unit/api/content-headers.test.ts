import { expect, test } from 'vitest';
import { dispositionOf, safeContentType } from '../../../src/api/content-headers.ts';

test.each(['text/html; charset=utf-8', 'image/svg+xml', 'application/xhtml+xml', 'application/xml', 'text/javascript'])(
  '%s is served as plain text',
  (type) => {
    expect(safeContentType(type)).toBe('text/plain; charset=utf-8');
  },
);

test.each(['video/mp4', 'image/png', 'application/json', 'model/gltf-binary'])('%s stays what it is', (type) => {
  expect(safeContentType(type)).toBe(type);
});

test.each(['', 'nonsense', 'a/b\r\nset-cookie: c=d', 'video mp4/x'])('%j is served as bytes', (type) => {
  expect(safeContentType(type)).toBe('application/octet-stream');
});

test('a video is shown in place and an archive downloaded, each under its own name', () => {
  expect(dispositionOf('video/mp4', '/renders/1/sim.mp4')).toBe(`inline; filename="sim.mp4"; filename*=UTF-8''sim.mp4`);
  expect(dispositionOf('application/gzip', 'a.tar.gz')).toMatch(/^attachment; filename="a\.tar\.gz"/);
});

test('a hostile name cannot leave its header', () => {
  const header = dispositionOf('text/plain; charset=utf-8', '/x/"\r\nset-cookie: ä\ud800.txt');
  expect(header).toMatch(/^[\x20-\x7e]+$/);
  expect(header.split('"')).toHaveLength(3);
});
