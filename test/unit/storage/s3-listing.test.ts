import { expect, test } from 'vitest';
import { parseListing } from '../../../src/storage/s3-listing.ts';

const object = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&#34;0a-2&#34;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>`;
const page = (objects: string[], rest: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>${objects.join('')}${rest}</ListBucketResult>`;

test('a listing tells each object, with what XML had to escape in its name', () => {
  const { objects, next } = parseListing(
    page(
      [object('a&amp;b &lt;c&gt;'), object('&quot;d&apos;&#233;&#x1F600;&amp;lt;')],
      '<IsTruncated>false</IsTruncated>',
    ),
  );
  const shown = { size_bytes: 7, etag: '0a-2', modified_at: new Date('2026-01-02T03:04:05.678Z') };
  expect(objects).toEqual([
    { key: 'a&b <c>', ...shown },
    { key: `"d'é😀&lt;`, ...shown },
  ]);
  expect(next).toBeUndefined();
});

test.each([
  ['before', (token: string, objects: string) => page([], `${token}${objects}`)],
  ['after', (token: string, objects: string) => page([], `${objects}${token}`)],
])('a page that is not the last names the next one, %s its objects', (_, build) => {
  const token = '<IsTruncated>true</IsTruncated><NextContinuationToken>a/b&amp;c==</NextContinuationToken>';
  const { objects, next } = parseListing(build(token, object('one')));
  expect(objects).toHaveLength(1);
  expect(next).toBe('a/b&c==');
});

test('an empty listing has no objects', () => {
  expect(parseListing(page([], '<IsTruncated>false</IsTruncated>'))).toEqual({ objects: [], next: undefined });
});
