import { useQuery } from '@tanstack/react-query';
import type { ContentOf } from '../../source/source.ts';
import { useSource } from '../../source/context.tsx';

/** The address of an artifact's bytes, once it is known. */
export function useContentUrl(file: ContentOf): string | undefined {
  const source = useSource();
  const { data } = useQuery({
    queryKey: ['content-url', file.href ?? file.sha256],
    queryFn: () => source.contentUrl(file),
    staleTime: Infinity,
  });
  return data;
}

/** A picture that an agent or a simulation made: pixels and nothing else. */
export function Picture({ file, alt }: Readonly<{ file: ContentOf; alt: string }>) {
  const url = useContentUrl(file);
  if (url === undefined) return <span className="no-picture" />;
  return <img src={url} alt={alt} loading="lazy" decoding="async" />;
}
