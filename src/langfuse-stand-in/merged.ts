import { observationOf } from './observation.ts';
import type { Observation } from './observation.ts';
import type { StoredObservation } from './store.ts';

/** One observation for each id of a trace, from all that was said of it; newest start first. */
export function mergedObservations(rows: StoredObservation[]): Observation[] {
  const byId = new Map<string, StoredObservation[]>();
  for (const stored of rows) {
    const key = `${stored.body.traceId}/${stored.body.id}`;
    byId.set(key, [...(byId.get(key) ?? []), stored]);
  }
  return [...byId.values()]
    .map((parts) => parts.toSorted((one, other) => one.row - other.row))
    .flatMap((parts) => {
      const [first] = parts;
      return first === undefined
        ? []
        : [
            observationOf(
              parts.map(({ body }) => body),
              first.start_time,
            ),
          ];
    })
    .toSorted((one, other) => Date.parse(other.startTime) - Date.parse(one.startTime));
}
