import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { Failure } from '../../parts/failure.tsx';
import { Plain } from '../../parts/text.tsx';
import { useSource } from '../../source/context.tsx';
import { diffLines } from './line-diff.ts';
import type { DiffLine } from './line-diff.ts';
import { readText } from './preview.tsx';

type Props = Readonly<{ path: string; before: string | undefined; after: string | undefined }>;

/** What a file was and what it became, line by line, with a few lines around each change. */
export function FileDiff({ path, before, after }: Props) {
  const source = useSource();
  const { data, error } = useQuery({
    queryKey: ['diff', before, after],
    queryFn: async () => {
      const read = async (sha256: string | undefined) => {
        if (sha256 === undefined) return '';
        const { size_bytes } = await source.artifact(sha256);
        return readText(await source.contentUrl({ sha256 }), size_bytes);
      };
      const [was, is] = await Promise.all([read(before), read(after)]);
      return was.includes('\u0000') || is.includes('\u0000') ? 'binary' : diffLines(was, is);
    },
    staleTime: Infinity,
  });
  if (error) return <Failure error={error} />;
  if (data === undefined) return <p className="waiting-line">Comparing…</p>;
  if (data === 'binary') return <p className="dim">It is not text.</p>;
  return <Lines name={path} lines={data} />;
}

/** What makes one text of another, line by line. */
export function TextDiff({ name, before, after }: Readonly<{ name: string; before: string; after: string }>) {
  return <Lines name={name} lines={useMemo(() => diffLines(before, after), [before, after])} />;
}

function Lines({ name, lines }: Readonly<{ name: string; lines: DiffLine[] }>) {
  return (
    <pre className="diff" aria-label={`Changes of ${name}`}>
      {lines.map((line, index) => (
        <span key={index} className={line.kind}>
          {line.kind === 'gap' ? `⋯ ${line.text}` : `${SIGNS[line.kind]} `}
          {line.kind !== 'gap' && <Plain>{line.text}</Plain>}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}

const SIGNS = { added: '+', removed: '−', same: ' ' } as const;
