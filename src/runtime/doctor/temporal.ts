import { Client, Connection } from '@temporalio/client';
import { AGENT_NAME, EPISODE_OUTCOME, EPISODE_STATUS } from '../../workflows/search-attributes.ts';
import type { TemporalConfig } from '../../config/config.ts';
import { listSchedules } from '../temporal/schedules.ts';
import { connectionOptions } from '../temporal/client.ts';
import { readQueues, whyUnserved } from '../watch/queues.ts';
import { found } from './finding.ts';
import type { Check, Finding } from './finding.ts';

const SET_UP = 'Run `observatory set-up`.';
/** gRPC's statuses. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const DAY_S = 86_400;

/** Temporal: the namespace, its search attributes, the schedules, and workers on every queue. */
export function checkTemporal(config: TemporalConfig): Check {
  return {
    name: 'temporal',
    mend: 'Start Temporal, or mend TEMPORAL_ADDRESS (and TEMPORAL_API_KEY or TEMPORAL_TLS_*, where it asks for them).',
    async look() {
      const connection = await Connection.connect(await connectionOptions(config));
      try {
        const namespace = await checkNamespace(connection, config);
        if (namespace.state === 'fail') return [namespace];
        const client = new Client({ connection, namespace: config.namespace });
        const rest = await Promise.all([
          checkSearchAttributes(connection, config.namespace),
          checkSchedules(client, config.task_queue_prefix),
          checkWorkers(client, config.task_queue_prefix),
        ]);
        return [namespace, ...rest.flat()];
      } finally {
        await connection.close();
      }
    },
  };
}

async function checkNamespace(connection: Connection, { namespace, ...access }: TemporalConfig): Promise<Finding> {
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const days = Math.floor(Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_S);
    const open = access.tls === undefined && access.api_key === undefined;
    // Not a failure where one person has the machine; where several have, it is what they must know.
    const door = open
      ? '; it asks for no key: who reaches its address, other users of this machine too, reads and ends its workflows'
      : '';
    return found('temporal', 'ok', { detail: `namespace ${namespace}, closed runs are kept ${days} days${door}` });
  } catch (error) {
    if (codeOf(error) !== NOT_FOUND) throw error;
    return found('temporal', 'fail', { detail: `there is no namespace ${namespace}`, mend: SET_UP });
  }
}

async function checkSearchAttributes(connection: Connection, namespace: string): Promise<Finding> {
  const name = 'search attributes';
  const wanted = [EPISODE_STATUS, EPISODE_OUTCOME, AGENT_NAME].map((attribute) => attribute.name);
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = wanted.filter((one) => !(one in (customAttributes ?? {})));
    return missing.length === 0
      ? found(name, 'ok', { detail: wanted.join(', ') })
      : found(name, 'fail', { detail: `missing: ${missing.join(', ')}`, mend: SET_UP });
  } catch (error) {
    if (codeOf(error) !== PERMISSION_DENIED && codeOf(error) !== UNIMPLEMENTED) throw error;
    return found(name, 'warn', {
      detail: 'this service does not say',
      mend: `See in its own console that there are ${wanted.join(', ')}.`,
    });
  }
}

async function checkSchedules(client: Client, prefix: string): Promise<Finding[]> {
  const schedules = await listSchedules(client, prefix);
  return schedules.map(({ id, present, paused, next_at }) => {
    const name = `schedule ${id}`;
    if (!present) return found(name, 'fail', { detail: 'is not there', mend: SET_UP });
    if (paused)
      return found(name, 'warn', {
        detail: 'is paused',
        mend: `temporal schedule toggle --unpause --schedule-id ${id}`,
      });
    return found(name, 'ok', { detail: next_at === null ? 'is there' : `runs next at ${next_at}` });
  });
}

async function checkWorkers(client: Client, prefix: string): Promise<Finding[]> {
  const byQueue = Map.groupBy(await readQueues(client, prefix), ({ queue }) => queue);
  return [...byQueue].map(([queue, states]) => {
    const why = states.flatMap((state) => whyUnserved(state) ?? []);
    const workers = [...new Set(states.flatMap((state) => state.workers))];
    const detail = why.length === 0 ? `polled by ${workers.join(', ')}` : why.join('; ');
    const mend = 'Start a worker: `observatory worker`.';
    return found(`queue ${queue}`, why.length === 0 ? 'ok' : 'fail', { detail, mend });
  });
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
