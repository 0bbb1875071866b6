import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Failure } from '../../parts/failure.tsx';
import { bytes } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { Plain } from '../../parts/text.tsx';
import type { ContentOf } from '../../source/source.ts';
import { useContentUrl } from './picture.tsx';

/** What is known of a file that is to be looked at. */
export type PreviewFile = ContentOf & { size_bytes: number; content_type: string; kind: string; path: string };

/** Of a text this much is read; the whole is one press away. */
const TEXT_BYTES_MAX = 256 * 1024;
const TEXT = /^text\/|json|xml|yaml|javascript|x-ndjson/;
const PICTURES = /^image\/(?:png|jpeg|gif|webp|avif)$/;

/** A file by its kind. Nothing in it runs: what is not a picture or a video is text. */
export function Preview({ file }: Readonly<{ file: PreviewFile }>) {
  const url = useContentUrl(file);
  if (url === undefined) return <p className="waiting-line">Reading…</p>;
  return (
    <div className="preview">
      <Shown file={file} url={url} />
      <p className="preview-foot dim">
        <span className="mono" title={`SHA-256 ${file.sha256}`}>
          {file.sha256.slice(0, 16)}…
        </span>
        <Link to="/artifacts/$sha256" params={{ sha256: file.sha256 }}>
          Where it came from
        </Link>
        <a href={url} target="_blank" rel="noreferrer">
          Open the whole <Icon name="link" className="small" />
        </a>
      </p>
    </div>
  );
}

function Shown({ file, url }: Readonly<{ file: PreviewFile; url: string }>) {
  if (PICTURES.test(file.content_type)) return <img src={url} alt={file.path} />;
  // oxlint-disable-next-line jsx-a11y/media-has-caption -- simulations have no sound
  if (file.content_type.startsWith('video/')) return <video src={url} controls preload="metadata" />;
  if (TEXT.test(file.content_type) || TEXT_KINDS.has(file.kind)) return <Text file={file} url={url} />;
  return <p className="dim">{bytes(file.size_bytes)} that are neither text nor a picture.</p>;
}

const TEXT_KINDS = new Set(['CODE', 'MARKDOWN', 'MJCF', 'LOG', 'TIMELINE']);

function Text({ file, url }: Readonly<{ file: PreviewFile; url: string }>) {
  const { data, error } = useQuery({
    queryKey: ['text', file.sha256],
    queryFn: () => readText(url, file.size_bytes),
    staleTime: Infinity,
    gcTime: 30_000,
  });
  if (error) return <Failure error={error} />;
  if (data === undefined) return <p className="waiting-line">Reading…</p>;
  return (
    <>
      <pre className="file-text">
        <Plain>{data}</Plain>
      </pre>
      {file.size_bytes > TEXT_BYTES_MAX && (
        <p className="warn-text">
          The first {bytes(TEXT_BYTES_MAX)} of {bytes(file.size_bytes)}.
        </p>
      )}
    </>
  );
}

/** The text, or its beginning where it is long. */
export async function readText(url: string, size_bytes: number): Promise<string> {
  const part = size_bytes > TEXT_BYTES_MAX ? { headers: { range: `bytes=0-${TEXT_BYTES_MAX - 1}` } } : {};
  const answer = await fetch(url, part);
  if (!answer.ok) throw new Error(`Its bytes cannot be read (${answer.status}).`);
  const buffer = await answer.arrayBuffer();
  return new TextDecoder().decode(buffer.slice(0, TEXT_BYTES_MAX));
}
