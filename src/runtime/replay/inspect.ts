import { open, url } from 'node:inspector';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { correspondencesOf, renderCorrespondence } from './correspondence.ts';
import type { OnActivation } from './replay.ts';

/** Node's usual port for debuggers; the address is this machine's own. */
const INSPECTOR_PORT = 9229;
const INSPECTOR_HOST = '127.0.0.1';

/**
 * Waits for a debugger, then stops once more when the workflow code is loaded, so that breakpoints can be set in the `.ts`
 * files of src/workflows, which its source map names. While it replays, `log` gets the event, step and checkpoint that it is at.
 */
export function inspectReplay(log: (line: string) => void, port = INSPECTOR_PORT) {
  let rows: ReturnType<typeof correspondencesOf> = [];
  let logged = 0;
  let stopped = false;
  log(`Attach a debugger to ${INSPECTOR_HOST}:${port} (Chrome: chrome://inspect; VS Code: "Attach to Node Process").`);
  open(port, INSPECTOR_HOST, true);
  log(`A debugger is attached to ${url() ?? 'the inspector'}.`);
  const onHistory = (run_id: string, history: History) => {
    rows = correspondencesOf(history);
    logged = 0;
    log(`Run ${run_id}:`);
  };
  const onActivation: OnActivation = (history_length) => {
    for (; (rows[logged]?.event_id ?? Infinity) <= history_length; logged += 1) {
      const row = rows[logged];
      if (row) log(renderCorrespondence(row));
    }
    if (stopped) return;
    stopped = true;
    // Stopping is what it is for: the workflow code is loaded and has not run yet. Set breakpoints in it now, and go on.
    // oxlint-disable-next-line no-debugger
    debugger;
  };
  return { onHistory, onActivation };
}
