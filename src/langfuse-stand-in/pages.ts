import { html } from 'hono/html';
import { PROJECT_ID } from './deps.ts';
import { mergedObservations } from './merged.ts';
import { jsonOf, textOf } from './observation.ts';
import type { TraceBody } from './ingestion-events.ts';
import type { Observation } from './observation.ts';
import { secondsBetween } from './observation-views.ts';
import type { RecentTrace, StoredObservation } from './store.ts';

/** A piece of HTML; whatever is put into it is escaped. */
type Html = ReturnType<typeof html>;

const STYLE = `
  body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color-scheme: light dark; }
  h1 { font-size: 1.3rem; } .note { opacity: .7; } ul { list-style: none; padding-left: 1.2rem; margin: 0; }
  ul ul { border-left: 1px solid #8886; } summary { cursor: pointer; padding: .15rem 0; } .type { font: 12px monospace; opacity: .8; }
  .ERROR { color: #c22; } .WARNING { color: #b70; } table { border-spacing: 1rem .2rem; margin-left: -1rem; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .5rem; max-height: 30rem; overflow: auto; }`;

/** The latest traces, each a link. */
export function recentPage(traces: RecentTrace[]): Html {
  const list = html`<table>
    ${traces.map(
      ({ trace_id, received_at, rows, name }) =>
        html`<tr>
          <td><a href="/project/${PROJECT_ID}/traces/${encodeURIComponent(trace_id)}">${name ?? trace_id}</a></td>
          <td>${rows} observations</td>
          <td>${received_at}</td>
        </tr>`,
    )}
  </table>`;
  return page('Traces', traces.length === 0 ? html`<p>Nothing has been received yet.</p>` : list);
}

/** One trace as a tree: what was said of each observation, and what was sent more than once. */
export function tracePage(trace: { id: string; rows: StoredObservation[]; said: TraceBody[]; rows_max: number }): Html {
  const { id, rows, said, rows_max } = trace;
  const observations = mergedObservations(rows).toReversed();
  const sent = countBy(rows.map(({ body }) => body.id));
  const about = aboutTrace(observations, said);
  if (about === undefined) return page('No such trace', html`<p>Nothing of trace ${id} has been received yet.</p>`);
  const facts = { id, ...about.facts, observations: String(observations.length) };
  return page(
    about.name,
    html`<table>
        ${Object.entries(facts).map(([name, value]) =>
          value
            ? html`<tr>
                <td>${name}</td>
                <td>${value}</td>
              </tr>`
            : '',
        )}
      </table>
      ${rows.length >= rows_max ? html`<p class="note">Only the newest ${rows_max} rows are shown.</p>` : ''}
      ${treeOf(observations, sent)}`,
  );
}

function page(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <p class="note"><a href="/">Traces</a> · the Observatory’s own stand-in for Langfuse; this is not Langfuse</p>
        <h1>${title}</h1>
        ${body}
      </body>
    </html>`;
}

function aboutTrace(observations: Observation[], said: TraceBody[]) {
  const [first] = observations;
  if (first === undefined && said.length === 0) return undefined;
  const last = <K extends keyof TraceBody>(member: K) => said.findLast((body) => body[member])?.[member];
  const named = observations.find(({ traceName }) => traceName !== null) ?? first;
  const tags = named?.tags ?? [];
  return {
    name: last('name') ?? named?.traceName ?? first?.name ?? 'Trace',
    facts: {
      started: first?.startTime,
      session: last('sessionId') ?? named?.sessionId,
      user: last('userId') ?? named?.userId,
      environment: named?.environment,
      release: last('release') ?? named?.release,
      tags: (tags.length > 0 ? tags : (last('tags') ?? [])).join(', '),
    },
  };
}

/** What lies deeper is listed at this level: each level is a call and a border. */
const TREE_DEPTH_MAX = 100;

/** Roots first; an observation whose parent is not there is shown as one, saying so. */
function treeOf(observations: Observation[], sent: Map<string, number>): Html {
  const ids = new Set(observations.map(({ id }) => id));
  const children = Map.groupBy(observations, ({ parentObservationId: parent }) =>
    parent !== null && ids.has(parent) ? parent : null,
  );
  // Parents may name each other, so nothing is shown twice.
  const shown = new Set<string>();
  const take = (members: Observation[]) =>
    members.filter(({ id }) => {
      const first = !shown.has(id);
      shown.add(id);
      return first;
    });
  const branch = (members: Observation[], depth: number): Html => {
    const taken = take(members);
    if (depth === TREE_DEPTH_MAX) for (const { id } of taken) taken.push(...take(children.get(id) ?? []));
    return html`<ul>
      ${taken.map((member) => {
        const item = itemOf(member, { sent: sent.get(member.id) ?? 1, orphan: isOrphan(member, ids) });
        const below = depth === TREE_DEPTH_MAX ? [] : (children.get(member.id) ?? []);
        return html`<li>${item}${below.length === 0 ? '' : branch(below, depth + 1)}</li>`;
      })}
    </ul>`;
  };
  const tree = branch(children.get(null) ?? [], 1);
  const adrift = observations.filter(({ id }) => !shown.has(id));
  return html`${tree}${adrift.length === 0 ? '' : branch(adrift, 1)}`;
}

const isOrphan = ({ parentObservationId: parent }: Observation, ids: ReadonlySet<string>) =>
  parent !== null && !ids.has(parent);

function itemOf(seen: Observation, { sent, orphan }: { sent: number; orphan: boolean }): Html {
  const seconds = secondsBetween(seen.startTime, seen.endTime);
  const usage = Object.entries(seen.usageDetails).map(([name, amount]) => `${name} ${amount}`);
  const cost = seen.costDetails['total'];
  const remarks = [
    seconds === null ? 'not ended' : `${seconds} s`,
    seen.model,
    usage.join(', '),
    cost === undefined ? '' : `${cost} USD`,
    seen.level === 'DEFAULT' ? '' : seen.level,
    sent > 1 ? `sent ${sent} times` : '',
    orphan ? `its parent ${seen.parentObservationId} is not here` : '',
  ].filter(Boolean);
  return html`<details>
    <summary class="${seen.level}">
      <span class="type">${seen.type}</span> ${seen.name ?? seen.id} <span class="note">${remarks.join(' · ')}</span>
    </summary>
    ${seen.statusMessage ? html`<p class="${seen.level}">${seen.statusMessage}</p>` : ''}
    <p class="note">${seen.id} · ${seen.startTime} to ${seen.endTime ?? '…'}</p>
    ${part('Input', indented(seen.input))}${part('Output', indented(seen.output))}${part('Metadata', pretty(seen.metadata))}
    ${part('Model parameters', pretty(seen.modelParameters))}
  </details>`;
}

function part(title: string, text: string | null): Html | '' {
  return text === null || text === ''
    ? ''
    : html`<p>${title}</p>
        <pre>${text}</pre>`;
}

/** JSON with its members on lines of their own; other text as it is. */
function indented(text: string | null): string | null {
  const value = text === null ? null : jsonOf(text);
  return typeof value === 'object' && value !== null ? JSON.stringify(value, undefined, 2) : text;
}

function pretty(record: Record<string, unknown>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}: ${textOf(value)}`)
    .join('\n');
}

function countBy(ids: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
