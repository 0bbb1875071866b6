import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What schemathesis says of a whole run. */
export type Verdict = {
  complete: boolean;
  running_time: number;
  operations: { total: number; tested: number };
  phases: Record<string, { status: string; skip_reason: string | null }>;
  test_cases: { generated: number };
  failures: { code: string; title: string; operations: string[] }[];
  errors: { title: string; count: number }[];
  warnings: Record<string, string[]>;
};

/** A run: the verdict, what was printed, and what was sent: the statuses of each `METHOD /path`, and the links followed. */
export type Run = { verdict: Verdict; output: string; statuses: Map<string, Map<number, number>>; links: Set<string> };

/** The run whose reports lie in this folder. Rejects with what was printed where schemathesis left none. */
export async function readRun(folder: string): Promise<Run> {
  const output = await readFile(join(folder, 'output.txt'), 'utf8');
  const report = await readFile(join(folder, 'report.json'), 'utf8').catch((cause: unknown) => {
    throw new Error(`schemathesis left no report: ${output}`, { cause });
  });
  const run: Run = { verdict: JSON.parse(report) as Verdict, output, statuses: new Map(), links: new Set() };
  for await (const line of createInterface(createReadStream(join(folder, 'events.ndjson')))) {
    if (!line.startsWith('{"ScenarioFinished"')) continue;
    const { recorder } = (JSON.parse(line) as { ScenarioFinished: { recorder: Recorder } }).ScenarioFinished;
    for (const [id, { value, transition, is_transition_applied }] of Object.entries(recorder.cases ?? {})) {
      const status = recorder.interactions?.[id]?.response?.status_code;
      if (status === undefined) continue;
      const operation = `${value.method} ${value.path}`;
      const counts = run.statuses.get(operation) ?? new Map<number, number>();
      run.statuses.set(operation, counts.set(status, (counts.get(status) ?? 0) + 1));
      if (transition && is_transition_applied) run.links.add(transition.id);
    }
  }
  return run;
}

type Recorder = {
  cases?: Record<
    string,
    { value: { method: string; path: string }; transition?: { id: string } | null; is_transition_applied?: boolean }
  >;
  interactions?: Record<string, { response?: { status_code: number } | null }>;
};
