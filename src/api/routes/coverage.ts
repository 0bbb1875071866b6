import { createRoute, z } from '@hono/zod-openapi';
import { v5 as uuidv5 } from 'uuid';
import { insertFeedback } from '../../db/append/feedback.ts';
import { findCoverage, listCoverage } from '../../db/read/coverage.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { listFeedback } from '../../db/read/feedback.ts';
import { AppError } from '../../errors.ts';
import { episodeCursor } from '../cursor.ts';
import { DateTime, utcOf } from '../../schemas/rfc3339.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBody } from '../json-body.ts';
import {
  AuditRequest,
  CoverageResource,
  EpisodeCoverageResource,
  FeedbackRequest,
  FeedbackResource,
  pageOf,
} from '../resources.ts';
import {
  createRoutes,
  EpisodePath,
  IdempotencyKey,
  json,
  Limit,
  PAGE_LIMIT_DEFAULT,
  PAGE_LIMIT_MAX,
  problems,
  security,
  toPage,
} from '../route-parts.ts';

const UUID = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

/** What people say of one episode is little; an answer holds at most this. */
const FEEDBACK_MAX = 1_000;

const IDS = new RegExp(`^${UUID}(?:,${UUID}){0,${PAGE_LIMIT_MAX - 1}}$`);

const coverageRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/coverage',
  operationId: 'getCoverage',
  summary: 'Read the newest audit: Temporal’s history, the steps, Langfuse and the objects held against each other',
  tags: ['coverage'],
  security,
  request: { params: EpisodePath },
  responses: { 200: json('The newest audit; 409 until there is one', CoverageResource), ...problems(404, 409) },
});

const auditsRoute = createRoute({
  method: 'get',
  path: '/v1/coverage',
  operationId: 'listCoverage',
  summary: 'List the ended episodes, since a time or by their ids, newest first, each with its newest audit',
  tags: ['coverage'],
  security,
  request: {
    query: z.strictObject({
      since: DateTime.optional(),
      /** Of these alone: ids with commas between them, as many as one page holds. */
      ids: z
        .string()
        .regex(IDS)
        .transform((ids) => ids.split(','))
        .openapi({ type: 'string', pattern: IDS.source })
        .optional(),
      cursor: episodeCursor.schema.optional(),
      limit: Limit.optional(),
    }),
  },
  responses: { 200: json('A page of audits', pageOf(EpisodeCoverageResource)), ...problems() },
});

const auditRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/coverage',
  operationId: 'auditCoverage',
  summary: 'Audit an episode now; with repair after what Langfuse lacks was sent again',
  tags: ['coverage'],
  security,
  middleware: jsonBody,
  request: {
    params: EpisodePath,
    body: { required: true, content: { 'application/json': { schema: AuditRequest } } },
  },
  responses: {
    202: json('The workflow that audits it', z.object({ workflow_id: z.string() })),
    ...problems(403, 404, 413, 415),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/episodes/{id}/feedback',
  operationId: 'listFeedback',
  summary: 'List what people said of an episode, and the scores that it was given at its end, oldest first',
  tags: ['coverage'],
  security,
  request: { params: EpisodePath },
  responses: { 200: json('The feedback', z.object({ items: z.array(FeedbackResource) })), ...problems(404) },
});

const addRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/feedback',
  operationId: 'addFeedback',
  summary: 'Say something of an episode or of one of its steps; Langfuse shows it as a score. It is never changed',
  tags: ['coverage'],
  security,
  middleware: jsonBody,
  request: {
    params: EpisodePath,
    headers: IdempotencyKey,
    body: { required: true, content: { 'application/json': { schema: FeedbackRequest } } },
  },
  responses: {
    201: json('Added, or added before under this key', FeedbackResource),
    ...problems(403, 404, 409, 413, 415),
  },
});

type CoverageRouteDeps = Pick<ApiDeps, 'db' | 'environment' | 'auditCoverage'>;

/** Audits of coverage, and feedback. */
export function createCoverageRoutes({ db, environment, auditCoverage }: CoverageRouteDeps) {
  return createRoutes()
    .openapi(auditsRoute, async (c) => {
      const { since, ids, cursor, limit = PAGE_LIMIT_DEFAULT } = c.req.valid('query');
      const before = cursor === undefined ? {} : { before: episodeCursor.decode(cursor) };
      const rows = await listCoverage(db, {
        limit: limit + 1,
        ...before,
        ...(since !== undefined && { since: utcOf(since).utc }),
        ...(ids && { ids }),
      });
      return c.json(
        toPage(rows, limit, ({ episode_id }) => episodeCursor.encode(episode_id)),
        200,
      );
    })
    .openapi(auditRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      const { repair } = c.req.valid('json');
      return c.json(await auditCoverage({ episode_id: id, repair }), 202);
    })
    .openapi(coverageRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      const report = await findCoverage(db, id);
      if (!report)
        throw new AppError(
          'failed_precondition',
          'The episode has not been audited yet: it is when its run has closed.',
        );
      return c.json(report, 200);
    })
    .openapi(listRoute, async (c) => {
      const { id } = await getEpisode(db, c.req.valid('param').id);
      return c.json({ items: await listFeedback(db, { episode_id: id, limit: FEEDBACK_MAX }) }, 200);
    })
    .openapi(addRoute, async (c) => {
      const { id: episode_id } = c.req.valid('param');
      const said = c.req.valid('json');
      const key = c.req.valid('header')['idempotency-key'];
      const feedback = await insertFeedback(db, said, {
        episode_id,
        author: c.get('author'),
        source: 'person',
        environment,
        ...(key !== undefined && { id: uuidv5(key, episode_id) }),
      });
      if (feedback.name !== said.name || feedback.value !== said.value || feedback.comment !== said.comment)
        throw new AppError('already_exists', 'This Idempotency-Key was used for other feedback: choose a new one.');
      return c.json(feedback, 201);
    });
}
