// What a worker holds in memory with a hundred open episodes, each waiting for a person's answer after some work; its peer is itself
// before the first of them.
import { readFile } from 'node:fs/promises';
import { call } from '../support/deployment.ts';
import { untilRow } from '../support/record.ts';
import { lines, openStage, round } from './stage.ts';

const OPEN = 100;
/** So many are started at once, so that the machine's other parts are not what is measured. */
const AT_ONCE = 20;

/** The worker's resident memory in MiB: before, with all episodes open, and the most that it ever was. */
export type MemoryBench = { idle_mib: number; open_mib: number; peak_mib: number; open_episodes: number };

/** Opens the episodes and looks at the worker's process. */
export async function benchMemory(): Promise<MemoryBench> {
  await using stage = await openStage();
  const { deployment } = stage;
  const worker = await deployment.startWorker();
  const idle_mib = (await memoryOf(worker.pid)).now;
  for (let open = 0; open < OPEN; open += AT_ONCE) {
    for (let index = 0; index < AT_ONCE; index += 1)
      await deployment.play([...lines(), { calls: [call('ask_person', { question: 'Well?' })] }]);
    await untilRow(deployment, async () => {
      const { rows } = await deployment.database.pool.query<{ count: number }>(
        `select count(*)::int as count from episodes where status = 'waiting'`,
      );
      return (rows[0]?.count ?? 0) >= open + AT_ONCE ? true : undefined;
    });
  }
  const { now, peak } = await memoryOf(worker.pid);
  return { idle_mib, open_mib: now, peak_mib: peak, open_episodes: OPEN };
}

async function memoryOf(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string) => round(Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024);
  return { now: mib('VmRSS'), peak: mib('VmHWM') };
}

if (import.meta.main) console.log(JSON.stringify(await benchMemory(), null, 2));
