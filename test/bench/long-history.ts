type Attributes = Record<string, unknown> & { activityId?: string };
type Event = Record<string, unknown> & { eventId: string };

/** Event ids that other events name. */
const REFERENCES = ['scheduledEventId', 'startedEventId', 'workflowTaskCompletedEventId'] as const;
/** A recorded run's second turn: a thought and one call, each scheduled, started, completed, and a task after each. */
const TURN = { first: 24, events: 12, activities: 2, steps: 2 };
/** The task after the last call's completion would have to say what comes next. */
const LAST_TASK_EVENTS = 3;

/** The JSON of a recorded run's history with its second turn repeated until it has so many steps, open at its end. */
export function longHistory(recorded: string, steps: number): string {
  const { events } = JSON.parse(recorded) as { events: Event[] };
  const before = events.slice(0, TURN.first - 1);
  const turn = events.slice(TURN.first - 1, TURN.first - 1 + TURN.events);
  const turns = steps / TURN.steps - 1;
  const repeated = Array.from({ length: turns }, (_, index) => turn.map((event) => moved(event, index))).flat();
  return JSON.stringify({ events: [unbounded(before), ...before.slice(1), ...repeated].slice(0, -LAST_TASK_EVENTS) });
}

/** The event as it is `count` turns later. */
function moved(event: Event, count: number): Event {
  const [key, given] = Object.entries(event).find(([name]) => name.endsWith('EventAttributes')) ?? [];
  const attributes = { ...(given as Attributes) };
  const shift = count * TURN.events;
  for (const name of REFERENCES)
    if (attributes[name] !== undefined) attributes[name] = String(Number(attributes[name]) + shift);
  if (attributes.activityId !== undefined)
    attributes.activityId = String(Number(attributes.activityId) + count * TURN.activities);
  return { ...event, eventId: String(Number(event.eventId) + shift), ...(key && { [key]: attributes }) };
}

/** The first event, of a run that no budget and no length of history ends. */
function unbounded([first]: Event[]): Event {
  const started = first?.['workflowExecutionStartedEventAttributes'] as {
    input: { payloads: { metadata: object; data: string }[] };
  };
  const [payload] = started.input.payloads;
  const run = JSON.parse(Buffer.from(payload?.data ?? '', 'base64').toString()) as object;
  const budgets = { steps: 1e9, tokens: 1e12, usd: 1e9, wall_s: 1e9 };
  const data = Buffer.from(JSON.stringify({ ...run, budgets, history_events_max: 1e9 })).toString('base64');
  const input = { payloads: [{ ...payload, data }] };
  return { ...first, eventId: '1', workflowExecutionStartedEventAttributes: { ...started, input } };
}
