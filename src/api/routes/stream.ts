import { createRoute, z } from '@hono/zod-openapi';
import { findStreamHead } from '../../db/read/stream.ts';
import { AppError } from '../../errors.ts';
import { fromStreamId, StatusChange, StepStart, StreamId } from '../../schemas/stream.ts';
import { Words } from '../../schemas/words.ts';
import type { ApiDeps } from '../deps.ts';
import { EventResource, LogLineResource, StepResource } from '../resources.ts';
import { createRoutes, EpisodePath, problems, security } from '../route-parts.ts';
import { streamFrames, toBody } from '../stream.ts';
import type { StreamDeps } from '../stream.ts';
import { hasEnded } from '../../schemas/episode.ts';

/** Clients that one process serves at a time: each costs a socket and a query whenever its episode moves. */
const STREAMS_MAX = 1_000;

const stream_seq = z.number().int().min(0);
/** What each kind of frame holds. */
const FRAMES = {
  step_started: z.object({
    type: z.literal('step_started'),
    stream_seq,
    step: StepStart.extend({ input: StepResource.shape.input }),
  }),
  step_ended: z.object({ type: z.literal('step_ended'), stream_seq, step: StepResource }),
  log: LogLineResource.extend({ type: z.literal('log') }),
  event: z.object({ type: z.literal('event'), stream_seq, event: EventResource }),
  status: StatusChange.extend({ type: z.literal('status') }),
  /** Of a running thought; `stream_seq` is the place up to which all was told. Some may be missing. */
  words: Words.extend({ type: z.literal('words'), stream_seq }),
};
const NAMES = {
  step_started: 'StepStartedFrame',
  step_ended: 'StepEndedFrame',
  log: 'LogFrame',
  event: 'EventFrame',
  status: 'StatusFrame',
  words: 'WordsFrame',
} as const;
/** A frame of an episode's stream, as its `data` holds it. */
export type StreamFrame = z.infer<(typeof FRAMES)[keyof typeof FRAMES]>;

/** An event of the stream: in OpenAPI 3.1 the schema of a `text/event-stream` describes one of them. */
const Event = z.union(
  (Object.keys(FRAMES) as (keyof typeof FRAMES)[]).map((type) =>
    z.object({
      // What is told of a running thought has no place of its own.
      ...(type !== 'words' && { id: StreamId }),
      event: z.literal(type),
      data: z.string().openapi({
        contentMediaType: 'application/json',
        contentSchema: { $ref: `#/components/schemas/${NAMES[type]}` },
      } as object),
      retry: z.number().int().optional(),
    }),
  ),
);

const route = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/stream',
  operationId: 'streamEpisode',
  summary:
    'Follow an episode: its steps as they begin and end, its log lines, events and statuses, and what its thoughts say as they run, from its beginning or from after Last-Event-ID, until it has ended and all was sent',
  tags: ['episodes'],
  security,
  request: { params: EpisodePath, headers: z.object({ 'last-event-id': StreamId.optional() }) },
  responses: {
    200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: Event } } },
    204: { description: 'The episode has ended and the client has all of it: do not come back' },
    ...problems(404, 409),
  },
});

/** An episode's stream, the same from every process of the API. */
export function createStreamRoutes(deps: StreamDeps & Pick<ApiDeps, 'stopping' | 'stream_ms_max' | 'logger'>) {
  let open = 0;
  const routes = createRoutes();
  for (const type of Object.keys(FRAMES) as (keyof typeof FRAMES)[])
    routes.openAPIRegistry.register(NAMES[type], FRAMES[type]);

  /** Counts the stream while it is open; a database that goes away ends it, and the client comes back. */
  async function* counted(frames: AsyncGenerator<string, void>): AsyncGenerator<string, void> {
    open += 1;
    try {
      yield* frames;
    } catch (error) {
      deps.logger.warn({ code: AppError.from(error).code }, 'stream ended early');
    } finally {
      open -= 1;
    }
  }

  return routes.openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const last = c.req.valid('header')['last-event-id'];
    const head = await findStreamHead(deps.db, id);
    if (!head) throw new AppError('not_found', `no episode ${id}`);
    const from = last === undefined ? { epoch: head.restore_epoch, stream_seq: -1 } : fromStreamId(last);
    if (from.epoch !== head.restore_epoch)
      throw new AppError('aborted', 'The database was restored since: begin again, without Last-Event-ID.');
    if (hasEnded(head.status) && from.stream_seq >= head.last_stream_seq) return c.body(null, 204);
    if (open >= STREAMS_MAX) throw new AppError('unavailable', 'Too many streams are open here.');
    const left = new AbortController();
    const signal = AbortSignal.any([
      left.signal,
      deps.stopping,
      c.req.raw.signal,
      AbortSignal.timeout(deps.stream_ms_max),
    ]);
    const frames = counted(streamFrames(deps, { episode_id: id, from, signal }));
    const head_of_answer = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Proxies that gather answers would hold frames back.
      'x-accel-buffering': 'no',
    };
    return c.body(
      toBody(frames, () => left.abort()),
      200,
      head_of_answer,
    ) as never;
  });
}
