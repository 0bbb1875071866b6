import { readdirSync, readFileSync } from 'node:fs';
import { activityTimes, CALLS, lines, median, openStage } from './stage.ts';
import { bareQueue, startBareWorker } from './bare-worker.ts';
function cpu(): Record<string, number> {
  const parent = new Map<number, number>();
  const of = new Map<number, [string, number]>();
  for (const d of readdirSync('/proc')) {
    if (!/^\d+$/.test(d)) continue;
    try {
      const s = readFileSync(`/proc/${d}/stat`, 'utf8');
      const r = s.slice(s.lastIndexOf(')') + 2).split(' ');
      parent.set(+d, +r[1]!);
      const c = readFileSync(`/proc/${d}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const n = /bare-worker/.test(c)
        ? 'bare'
        : /cli\/main.ts worker/.test(c)
          ? 'worker'
          : /postgres/.test(c)
            ? 'postgres'
            : /temporal/.test(c)
              ? 'temporal'
              : /weed/.test(c)
                ? 'weed'
                : 'other';
      of.set(+d, [n, (+r[11]! + +r[12]! + +r[13]! + +r[14]!) * 10]);
    } catch {}
  }
  const sums: Record<string, number> = { bench: (process.cpuUsage().user + process.cpuUsage().system) / 1000 };
  for (const [pid, [n, ms]] of of) {
    let p = pid;
    let mine = false;
    for (let i = 0; i < 8 && p > 1; i += 1) {
      if (p === process.pid) mine = true;
      p = parent.get(p) ?? 0;
    }
    if (mine && pid !== process.pid) sums[n] = (sums[n] ?? 0) + ms;
  }
  return sums;
}
await using stage = await openStage();
const { deployment } = stage;
const N = Number(process.argv[2] ?? 1);
const worker = await deployment.startWorker(
  process.env['PROF'] ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env['PROF']}` } : {},
);
const bare = await startBareWorker(deployment);
const report = (name: string, n: number, a: Record<string, number>, b: Record<string, number>) =>
  console.log(
    name,
    n,
    Object.entries(b)
      .map(([k, v]) => `${k} ${((v - (a[k] ?? 0)) / n).toFixed(1)}`)
      .join('  '),
    'sum',
    (Object.entries(b).reduce((s, [k, v]) => s + v - (a[k] ?? 0), 0) / n).toFixed(1),
    'ms CPU/activity',
  );
for (let round = 0; round < 4; round += 1) {
  const eps = [];
  for (let i = 0; i < N; i += 1) eps.push(await deployment.rehearse(lines()));
  let c0 = cpu();
  await Promise.all(eps.map((e) => deployment.workflows.startEpisode(e)));
  const handles = eps.map(({ workflow_id }) => deployment.workflows.client.workflow.getHandle(workflow_id));
  await Promise.all(handles.map((h) => h.result()));
  let c1 = cpu();
  report('ours', N * 36, c0, c1);
  const t = async (hs: any[], type: string) =>
    median((await Promise.all(hs.map((h) => activityTimes(h, type)))).flat()).toFixed(1);
  console.log('   advance', await t(handles, 'advance'), 'call', await t(handles, 'callTool'));
  c0 = cpu();
  const bs = await Promise.all(
    Array.from({ length: N }, (_, i) =>
      deployment.workflows.client.workflow.start('BareEpisodeWorkflow', {
        workflowId: `b-${round}-${i}`,
        taskQueue: bareQueue(deployment),
        args: [{ id: `b-${round}-${i}`, calls: CALLS }],
      }),
    ),
  );
  await Promise.all(bs.map((h) => h.result()));
  c1 = cpu();
  report('bare', N * 29, c0, c1);
  console.log('   advance', await t(bs, 'advance'), 'call', await t(bs, 'look'));
}
await bare.kill();
await worker.stop();
