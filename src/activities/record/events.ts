import type { Kysely } from 'kysely';
import type { Database } from '../../schemas/database.ts';
import { OWN_PRODUCER } from '../../schemas/events/envelope.ts';
import { toNewEvent } from '../../schemas/events/record.ts';
import type { NewEvent } from '../../schemas/events/record.ts';
import { findEventSchema, versionsOf } from '../../schemas/events/registry.ts';
import type { ObservabilityEvent } from '../../schemas/events/registry.ts';
import { eventIdOf } from '../../identity.ts';
import type { Step } from '../../schemas/step.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { keepTrying } from './keep-trying.ts';
import type { LogWriter, Tool } from '../../agents/tools/tool.ts';
import { factsOf } from './step-events.ts';
import type { EndingStep } from './step-events.ts';

/** Where a step's events come from, and what making them takes. */
type EventSource = {
  db: Kysely<Database>;
  registry: ReadonlyMap<string, Tool>;
  store: Pick<ObjectStore, 'put'>;
  trace_id: string;
  build: string;
  attempt: number;
  signal: AbortSignal;
};

/**
 * The events of a step that ends, under ids that follow from the step, held against the schemas that producers outside are
 * held against, each in the oldest version that can say it. One that does not match is left out, and the step's log says so.
 * What rows cannot hold exactly is in the store when they are returned.
 */
export async function eventsOfStep(
  ending: EndingStep & { step: Step },
  { db, registry, store, trace_id, build, attempt, signal }: EventSource,
  log: LogWriter,
): Promise<NewEvent[]> {
  const { step } = ending;
  const facts = await keepTrying(() => factsOf(db, registry, ending), signal);
  const events: NewEvent[] = [];
  for (const [ordinal, { type, payload }] of facts.entries()) {
    const said = {
      event_id: eventIdOf(trace_id, step.run_id, `${step.step_key}/${ordinal}`),
      type,
      occurred_at: new Date().toISOString(),
      episode_id: step.episode_id,
      step_id: step.id,
      attempt,
      agent: step.agent,
      producer: { name: OWN_PRODUCER, version: build },
      payload,
    };
    const versions = versionsOf(type).map((v) => ({ v, parsed: findEventSchema(type, v)?.safeParse({ ...said, v }) }));
    const taken = versions.find(({ parsed }) => parsed?.success);
    if (!taken) {
      const [issue] = versions.at(-1)?.parsed?.error?.issues ?? [];
      const what = `${issue?.path.join('.') ?? 'type'}: ${issue?.message ?? 'is not known'}`;
      log.write('system', `the event ${type} was left out: ${what}`, 'warning');
      continue;
    }
    const sent = { ...said, v: taken.v };
    const { event, keep } = toNewEvent(sent as ObservabilityEvent, { text: JSON.stringify(sent), exact: true });
    if (keep) await store.put(keep, { contentType: 'application/json' });
    events.push(event);
  }
  return events;
}
