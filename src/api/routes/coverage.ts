import { createRoute, z } from '@hono/zod-openapi';
import { v5 as uuidv5 } from 'uuid';
import { insertFeedback } from '../../db/append/feedback.ts';
import { findCoverage } from '../../db/read/coverage.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { listFeedback } from '../../db/read/feedback.ts';
import { AppError } from '../../errors.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBody } from '../json-body.ts';
import { CoverageResource, FeedbackRequest, FeedbackResource } from '../resources.ts';
import { createRoutes, EpisodePath, IdempotencyKey, json, problems, security } from '../route-parts.ts';

/** What people say of one episode is little; an answer holds at most this. */
const FEEDBACK_MAX = 1_000;

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

/** Audits of coverage, and feedback. */
export function createCoverageRoutes({ db, environment }: Pick<ApiDeps, 'db' | 'environment'>) {
  return createRoutes()
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
