import { createContext, useContext } from 'react';
import type { Source } from './source.ts';

/** The one source of everything on the page. */
export const SourceContext = createContext<Source | null>(null);

/** The source of everything that is shown. */
export function useSource(): Source {
  const source = useContext(SourceContext);
  if (!source) throw new Error('The page has no source.');
  return source;
}
