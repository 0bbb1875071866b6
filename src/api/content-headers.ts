/** Media types that a browser shows without running anything in them. */
const SHOWN = /^(?:video\/|audio\/|image\/(?:png|jpeg|webp|gif|avif)$|text\/plain|application\/(?:json|x-ndjson|pdf)$)/;
/** Media types of readable text, among them those that a browser would run as a document or script. */
const TEXT = /^text\/|^application\/(?:.*\+)?(?:xml|javascript|ecmascript|yaml)$|^image\/svg\+xml/;

/** A media type under which a browser runs nothing: HTML, SVG, XML and scripts are shown as the text that they are. */
export function safeContentType(contentType: string): string {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type)) return 'application/octet-stream';
  return TEXT.test(type) ? 'text/plain; charset=utf-8' : type;
}

/** Shown in place where that is safe, else downloaded; in both cases under the file's own name (RFC 6266). */
export function dispositionOf(contentType: string, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1) || 'artifact';
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const how = SHOWN.test(contentType) ? 'inline' : 'attachment';
  return `${how}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
