import { useQuery } from '@tanstack/react-query';
import { useSource } from '../../source/context.tsx';

/** The address of an artifact's bytes, once it is known. */
export function useContentUrl(sha256: string): string | undefined {
  const source = useSource();
  const { data } = useQuery({
    queryKey: ['content-url', sha256],
    queryFn: () => source.contentUrl(sha256),
    staleTime: Infinity,
  });
  return data;
}

/** A picture that an agent or a simulation made: pixels and nothing else. */
export function Picture({ sha256, alt }: Readonly<{ sha256: string; alt: string }>) {
  const url = useContentUrl(sha256);
  if (url === undefined) return <span className="no-picture" />;
  return <img src={url} alt={alt} loading="lazy" decoding="async" />;
}
