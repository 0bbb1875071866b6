import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { artifactUri, listArtifactUris, objectKey, parseArtifactUri } from '../../../src/storage/keys.ts';

const HASH = 'ab'.repeat(32);
const hashes = fc.stringMatching(/^[0-9a-f]{64}$/);
const buckets = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$/);

describe('the names of artifacts', () => {
  it('puts the first two digits of the hash before it', () => {
    expect(objectKey(HASH)).toBe(`sha256/ab/${HASH}`);
  });

  it('refuses what is not a hash', () => {
    expect(() => objectKey('../secrets')).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() => objectKey(HASH.toUpperCase())).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  it('resolves every address that it writes', () => {
    fc.assert(
      fc.property(buckets, hashes, (bucket, sha256) => {
        expect(parseArtifactUri(artifactUri(bucket, sha256))).toEqual({ bucket, sha256 });
      }),
    );
  });

  it('finds addresses within a text, once each and in order', () => {
    const other = 'cd'.repeat(32);
    const [first, second] = [artifactUri('videos', HASH), artifactUri('videos', other)];
    const text = `Result: [Video](${first}), then ${second}. Again ${first}`;
    expect(listArtifactUris(text).map(({ uri, sha256 }) => [uri, sha256])).toEqual([
      [first, HASH],
      [second, other],
    ]);
  });

  it.each([
    ['a longer hash', `s3://videos/sha256/ab/${HASH}0`],
    ['a folder that disagrees with the hash', `s3://videos/sha256/cd/${HASH}`],
    ['another layout', `s3://videos/renders/${HASH}`],
    ['text around it', ` s3://videos/sha256/ab/${HASH}`],
    ['no bucket', `s3:///sha256/ab/${HASH}`],
  ])('does not resolve %s', (_what, text) => {
    expect(() => parseArtifactUri(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
