/** Runs `work` over all items, at most `limit` at a time. The first failure is thrown; items not yet begun are then left undone. */
export async function forEachBounded<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (!failed && next < items.length) {
      const item = items[next++] as T;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane));
  // Settled, not raced: when this returns or throws, nothing of it still runs.
  const broken = lanes.find((result) => result.status === 'rejected');
  if (broken) throw broken.reason;
}
