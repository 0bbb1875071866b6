import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { LangfuseOtelSpanAttributes as Attribute } from '@langfuse/core';
import type { Config } from '../../config/config.ts';
import { AppError } from '../../errors.ts';
import type { OtlpSpan } from '../../schemas/trace.ts';
import { createLangfuseClient } from '../../tracing/langfuse-client.ts';
import type { LangfuseClient } from '../../tracing/langfuse-client.ts';
import type { LangfuseServer } from '../../tracing/langfuse-server.ts';
import { found } from './finding.ts';
import type { Check, Finding } from './finding.ts';

/** All that doctors write is of one trace. */
const TRACE_ID = createHash('sha256').update('observatory doctor').digest('hex').slice(0, 32);
/** When the span is looked for after it was taken: few times, for some plans allow few reads. */
const LOOKS_AFTER_MS = [300, 700, 1_000, 2_000, 4_000, 8_000, 12_000];
const REQUEST_MS = 8_000;
const TIMEOUT_MS = 60_000;
const MISSING = 'Set LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY.';
const WRONG_KEYS = 'Mend LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY.';

/** Langfuse, or what stands in for it: it answers, takes our keys, and shows a span that is written now. */
export function checkLangfuse({ langfuse }: Pick<Config, 'langfuse'>): Check {
  const name = 'langfuse';
  return {
    name,
    mend: 'Start Langfuse, or mend LANGFUSE_BASE_URL. Until then traces wait in the database.',
    timeout_ms: TIMEOUT_MS,
    async look(signal) {
      if (!langfuse)
        return [found(name, 'warn', { detail: 'not configured: traces wait in the database', mend: MISSING })];
      const { base_url, public_key, secret_key } = langfuse;
      const client = createLangfuseClient({
        base_url,
        public_key,
        secret_key: secret_key.reveal(),
        request_ms: REQUEST_MS,
      });
      try {
        await client.findProject(signal);
      } catch (error) {
        if (AppError.from(error).code !== 'permission_denied') throw error;
        return [found(name, 'fail', { detail: 'refuses the keys', mend: WRONG_KEYS })];
      }
      const server = await client.detect(signal);
      const store = server.reads === 'v2' ? 'events' : 'the older store';
      return [
        found(name, 'ok', { detail: `version ${server.version}, takes the keys, shows traces from ${store}` }),
        await writeAndReadBack(client, server, signal),
      ];
    },
  };
}

async function writeAndReadBack(client: LangfuseClient, server: LangfuseServer, signal: AbortSignal): Promise<Finding> {
  const name = 'langfuse traces';
  const span_id = randomBytes(8).toString('hex');
  const began = performance.now();
  const payload = JSON.stringify(probeSpan(span_id, Date.now()));
  const { outcome } = await client.sendSpans(server, [{ span_id, payload }], signal);
  if (outcome.kind !== 'accepted') {
    const detail = `does not take a span: ${outcome.error}`;
    return found(name, 'fail', { detail, mend: 'Read the log of Langfuse’s server, or let the keys write.' });
  }
  for (const ms of LOOKS_AFTER_MS) {
    await wait(ms, undefined, { signal });
    const rows = await client.listObservations(server, { traces: [TRACE_ID] }, signal);
    if (!rows.some(({ id }) => id === span_id)) continue;
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    return found(name, 'ok', { detail: `a span was written, and shown ${seconds} s later` });
  }
  const waited_s = Math.round((performance.now() - began) / 1_000);
  return found(name, 'warn', {
    detail: `took a span, and did not show it within ${waited_s} s`,
    mend: 'Look whether Langfuse’s worker runs, and whether its queue and its ClickHouse keep up.',
  });
}

function probeSpan(spanId: string, now_ms: number): OtlpSpan {
  const at = `${now_ms}000000`;
  const attributes = {
    [Attribute.TRACE_NAME]: 'observatory doctor',
    [Attribute.ENVIRONMENT]: 'doctor',
    [Attribute.OBSERVATION_TYPE]: 'event',
  };
  return {
    traceId: TRACE_ID,
    spanId,
    name: 'written by observatory doctor',
    kind: 1,
    startTimeUnixNano: at,
    endTimeUnixNano: at,
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
    status: { code: 0 },
  };
}
