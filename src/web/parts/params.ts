import { useParams } from '@tanstack/react-router';

/** Parts of the address by their names; empty where the address has none of this name. */
export function useParamsOf<const Names extends string[]>(...names: Names): Record<Names[number], string> {
  const params = useParams({ strict: false }) as unknown as Record<string, string | undefined>;
  return Object.fromEntries(names.map((name) => [name, params[name] ?? ''])) as Record<Names[number], string>;
}
