import { randomUUID } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import { v5 as uuidv5 } from 'uuid';
import { getEpisode } from '../../db/read/episodes.ts';
import { listSteps } from '../../db/read/steps.ts';
import { AppError } from '../../errors.ts';
import type { ApiDeps } from '../deps.ts';
import { jsonBody } from '../json-body.ts';
import { ReproduceRequest, ReproductionResource } from '../resources.ts';
import { createRoutes, EpisodePath, IdempotencyKey, json, problems, security } from '../route-parts.ts';

/** Simulations that one request runs again. */
const SIMULATIONS_MAX = 100;

const reproduceRoute = createRoute({
  method: 'post',
  path: '/v1/episodes/{id}/reproductions',
  operationId: 'reproduceEpisode',
  summary:
    'Run recorded simulations again, scene and seed as they were; each is scored `reproduced` among the feedback',
  tags: ['debugging'],
  security,
  middleware: jsonBody,
  request: {
    params: EpisodePath,
    headers: IdempotencyKey,
    body: { required: true, content: { 'application/json': { schema: ReproduceRequest } } },
  },
  responses: { 202: json('They are run again', ReproductionResource), ...problems(403, 404, 409, 413, 415) },
});

/** Running what was simulated again. */
export function createReproductionRoutes({ db, startReproduction }: Pick<ApiDeps, 'db' | 'startReproduction'>) {
  return createRoutes().openapi(reproduceRoute, async (c) => {
    const { id, forked_from_seq, parent_episode_id } = await getEpisode(db, c.req.valid('param').id);
    const { step } = c.req.valid('json');
    const after = step === undefined ? (forked_from_seq ?? 0) : step - 1;
    const limit = step === undefined ? SIMULATIONS_MAX : 1;
    const simulated = (await listSteps(db, { episode_id: id, after, limit, kind: 'simulation' })).filter(
      ({ seq, status, episode_id }) => status === 'ok' && episode_id === id && (step === undefined || seq === step),
    );
    if (simulated.length === 0) {
      const parents = step !== undefined && step <= (forked_from_seq ?? 0);
      const where = parents ? ` that is its own: ask episode ${parent_episode_id}` : '';
      const what = step === undefined ? 'The episode has' : `Step ${step} is`;
      throw new AppError('failed_precondition', `${what} no simulation that has a result${where}.`);
    }
    const key = c.req.valid('header')['idempotency-key'] ?? randomUUID();
    const workflow_id = `reproduce-${id}-${key}`;
    const simulations = simulated.map(({ seq }) => ({ seq, feedback_id: uuidv5(`reproduced/${key}/${seq}`, id) }));
    await startReproduction(
      workflow_id,
      simulations.map((simulation) => ({ episode_id: id, ...simulation })),
    );
    return c.json({ workflow_id, simulations }, 202);
  });
}
