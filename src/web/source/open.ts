import { createHttpSource } from './http.ts';
import type { Source } from './source.ts';

/** The page's source: a bundle where its address names one, else the API that served the page. */
export async function openSource(bundle: string | null): Promise<Source> {
  if (bundle === null) return createHttpSource(location.origin);
  const { createBundleSource } = await import('./bundle.ts');
  return createBundleSource(new URL(bundle, location.href).href);
}
