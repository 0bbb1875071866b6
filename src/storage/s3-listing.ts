/** An object as a listing shows it. The etag changes when somebody writes the object; it is no hash of ours. */
export type ListedObject = { key: string; size_bytes: number; etag: string; modified_at: Date };

/** A page of ListObjectsV2, and the token of the next one. Its XML is flat and made by programs: the few elements read here never nest. */
export function parseListing(xml: string): { objects: ListedObject[]; next: string | undefined } {
  const objects: ListedObject[] = [];
  const [head = '', ...rest] = xml.split('<Contents>');
  for (const object of rest) {
    const modified_at = new Date(valueOf(object, 'LastModified'));
    const size_bytes = Number(valueOf(object, 'Size'));
    objects.push({
      key: unescaped(valueOf(object, 'Key')),
      size_bytes,
      etag: bareEtag(valueOf(object, 'ETag')),
      modified_at,
    });
  }
  // The elements that are about the page come before the objects or after the last of them.
  const page = head + (rest.at(-1) ?? '');
  const more = valueOf(page, 'IsTruncated') === 'true';
  return { objects, next: more ? unescaped(valueOf(page, 'NextContinuationToken')) : undefined };
}

/** An etag without its quotes, which listings escape. */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll(/"|&quot;|&#34;/g, '');
}

/** The text of the first such element, or '' where there is none. */
function valueOf(xml: string, name: string): string {
  const opening = `<${name}>`;
  const from = xml.indexOf(opening);
  return from === -1 ? '' : xml.slice(from + opening.length, xml.indexOf('</', from));
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(value: string): string {
  return value.replaceAll(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, entity: string) => {
    if (!entity.startsWith('#')) return NAMED[entity] ?? whole;
    return String.fromCodePoint(Number(entity.toLowerCase().replace('#x', '0x').replace('#', '')));
  });
}
