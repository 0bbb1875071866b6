import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { AGENT_NAME, EPISODE_OUTCOME, EPISODE_STATUS, EPISODE_TASK } from '../src/workflows/search-attributes.ts';

/** How long closed workflows stay in Temporal. The dev server's default is a day, too short to look into an incident. */
const RETENTION_S = 90 * 24 * 3600;
/** gRPC's status. */
const NOT_FOUND = 5;
/** `IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

/** Makes the namespace what the workflows need: it exists, keeps closed runs, and knows our search attributes. Idempotent. */
export async function ensureNamespace(connection: Connection, namespace: string): Promise<void> {
  const retention = msToTs(RETENTION_S * 1000);
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    if (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) < RETENTION_S)
      await connection.workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: retention },
      });
  } catch (error) {
    if ((error as { code?: number }).code !== NOT_FOUND) throw error;
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
  }
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = [EPISODE_STATUS, EPISODE_OUTCOME, AGENT_NAME, EPISODE_TASK].filter(
    ({ name }) => !(name in (customAttributes ?? {})),
  );
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name }) => [name, KEYWORD])),
  });
}
