import { toStreamId } from '../../src/schemas/stream.ts';
import { eventOf } from '../support/events.ts';
import { CONTENT, CONTENT_SHA256, SIMULATION } from './seeds.ts';
import type { Seeds } from './seeds.ts';

type Parameter = { name: string; in: string; examples?: Record<string, { value: unknown }> };
type Media = { schema: unknown; examples?: Record<string, { value: unknown }> };
type Operation = {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { links?: Record<string, { operationId: string }> }>;
};
/** As much of an OpenAPI document as is looked at here. */
export type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { oneOf?: { $ref: string }[] }> };
};

/** Of the types of events one in so many is tested where time is short, the example's own among them. */
const EVENT_TYPES_STEP = 13;
const EVENT_COMPONENT = /V\d+$/;

/** Every operation as `METHOD /path` with its id, and the ids of the operations whose answers link to it. */
export function operationsOf({ paths }: Document): { name: string; id: string; linked_from: string[] }[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
  const links = all.flatMap(({ operation }) =>
    Object.values(operation.responses).flatMap((answer) =>
      Object.values(answer.links ?? {}).map((link) => ({ from: operation.operationId, to: link.operationId })),
    ),
  );
  return all.map(({ name, operation: { operationId: id } }) => ({
    name,
    id,
    linked_from: links.filter(({ to }) => to === id).map(({ from }) => from),
  }));
}

/** The share of generated values that is taken from the record; the others are what the schema allows. */
const NAMING_SHARE = 0.7;

/** Requests that must be answered with 2xx: values of parameters and a body, which are sent together. */
type Request = { parameters: Record<string, unknown>; body?: unknown };

/** For each operation that nobody can guess a request for, the ones that the seeded record answers. */
function requestsOf(seeds: Seeds): Record<string, Request[]> {
  return {
    putArtifact: [{ parameters: { sha256: CONTENT_SHA256 }, body: CONTENT }],
    answerStep: seeds.waiting.map(({ id, step }) => ({ parameters: { id }, body: { step, text: 'the DS3218' } })),
    postEvents: seeds.episodes.slice(0, 3).map((id) => ({
      parameters: { id },
      body: { events: [eventOf(id, 'ls_files_tool')] },
    })),
    getEventSchema: [{ parameters: { type: 'ls_files_tool', v: 1 } }],
    forkEpisode: [{ parameters: { id: seeds.completed }, body: { step: 2, message: 'Take the other servo.' } }],
    rerunEpisode: [{ parameters: { id: seeds.completed }, body: {} }],
    rewindEpisode: [{ parameters: { id: seeds.completed }, body: { step: 2 } }],
    reproduceEpisode: [{ parameters: { id: seeds.ended[0] }, body: { step: SIMULATION } }],
    deleteEpisode: seeds.ended.slice(0, 1).map((id) => ({ parameters: { id } })),
    getWorkspace: [{ parameters: { id: seeds.completed } }],
    getConversation: [{ parameters: { id: seeds.completed } }],
    compareEpisodes: [{ parameters: { a: seeds.completed, b: seeds.ended[0] } }],
    startEpisode: [
      {
        parameters: {},
        body: {
          task: 'Move the ball',
          agent: 'single_engineer',
          model: 'scripted:transcript',
          inputs: [{ path: '/transcript.json', sha256: seeds.artifact }],
        },
      },
    ],
  };
}

/**
 * The document with fewer types of events: each type costs about 180 requests. All of them are held against their published
 * schemas by test/unit/events, and are tested here with more examples.
 */
export function withFewEvents(document: Document): Document {
  const copy = structuredClone(document);
  const { ObservabilityEvent: union } = copy.components.schemas;
  if (union?.oneOf) union.oneOf = union.oneOf.filter((_, index) => index % EVENT_TYPES_STEP === 1);
  // What nothing refers to any more would be warned of.
  const left = new Set(union?.oneOf?.map(({ $ref }) => $ref.split('/').at(-1)));
  for (const name of Object.keys(copy.components.schemas))
    if (EVENT_COMPONENT.test(name) && !left.has(name)) delete copy.components.schemas[name];
  return copy;
}

/** The document with those requests as examples of its parameters and bodies. */
export function withExamples(document: Document, seeds: Seeds): Document {
  const requests = requestsOf(seeds);
  const copy = structuredClone(document);
  for (const operation of Object.values(copy.paths).flatMap((methods) => Object.values(methods))) {
    const known = requests[operation.operationId];
    if (known === undefined) continue;
    const named = (values: unknown[]) => Object.fromEntries(values.map((value, index) => [`seed_${index}`, { value }]));
    for (const parameter of operation.parameters ?? []) {
      const values = known.flatMap(({ parameters }) => parameters[parameter.name] ?? []);
      if (values.length > 0) parameter.examples = named(values);
    }
    for (const media of Object.values(operation.requestBody?.content ?? {}))
      media.examples = named(known.map(({ body }) => body));
  }
  return copy;
}

/** Settings under which most requests name something that there is. */
export function dictionariesOf(seeds: Seeds): string {
  const words = {
    episodes: seeds.episodes,
    open_episodes: seeds.open,
    ended_episodes: seeds.ended,
    completed_episode: [seeds.completed],
    seqs: [1, 2, 3],
    artifacts: [seeds.artifact, CONTENT_SHA256],
    // Cursors of the places before the first.
    first_step: ['00000000'],
    first_file: ['000000000'],
    first_line: ['00000000000000'],
    stream_places: [0, 1, 2, 3, 4, 5].map((stream_seq) => toStreamId({ epoch: 0, stream_seq })),
    thought: ['thought'],
    other: ['OTHER'],
    output: ['output'],
  };
  type Word = keyof typeof words;
  const bind = ([parameter, word]: [string, Word]) =>
    `"${parameter}" = { dictionary = "${word}", probability = ${NAMING_SHARE} }`;
  const everywhere: [string, Word][] = [
    ['path.id', 'episodes'],
    ['path.seq', 'seqs'],
    ['path.sha256', 'artifacts'],
    ['query.seq', 'seqs'],
  ];
  const some: Record<string, [string, Word][]> = {
    compareEpisodes: [
      ['query.a', 'episodes'],
      ['query.b', 'episodes'],
    ],
    ...Object.fromEntries(
      ['cancelEpisode', 'pauseEpisode', 'resumeEpisode', 'sendMessage', 'answerStep'].map((operation) => [
        operation,
        [['path.id', 'open_episodes']] as [string, Word][],
      ]),
    ),
    deleteEpisode: [['path.id', 'ended_episodes']],
    ...Object.fromEntries(
      ['forkEpisode', 'rerunEpisode', 'rewindEpisode'].map((operation) => [
        operation,
        [['path.id', 'completed_episode']] as [string, Word][],
      ]),
    ),
    getWorkspace: [
      ['path.id', 'completed_episode'],
      ['query.step', 'seqs'],
    ],
    getConversation: [
      ['path.id', 'completed_episode'],
      ['query.step', 'seqs'],
    ],
    reproduceEpisode: [['path.id', 'ended_episodes']],
    listSteps: [
      ['query.cursor', 'first_step'],
      ['query.kind', 'thought'],
    ],
    streamEpisode: [
      ['path.id', 'ended_episodes'],
      ['header.last-event-id', 'stream_places'],
    ],
    listLogs: [['query.cursor', 'first_line']],
    listEpisodeArtifacts: [
      ['query.cursor', 'first_file'],
      ['query.kind', 'other'],
      ['query.role', 'output'],
    ],
  };
  return [
    ...Object.entries(words).map(([word, values]) => `[dictionaries.${word}]\nvalues = ${JSON.stringify(values)}`),
    ['[parameters]', ...everywhere.map(bind)].join('\n'),
    ...Object.entries(some).map(
      ([operation, bindings]) =>
        `[[operations]]\ninclude-operation-id = "${operation}"\nparameters = { ${bindings.map(bind).join(', ')} }`,
    ),
  ].join('\n\n');
}
