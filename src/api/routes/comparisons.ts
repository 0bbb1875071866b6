import { createRoute, z } from '@hono/zod-openapi';
import { compress } from 'hono/compress';
import { listComparable } from '../../db/read/comparable.ts';
import { getEpisode } from '../../db/read/episodes.ts';
import { findLastPlace } from '../../db/read/places.ts';
import { AppError } from '../../errors.ts';
import { Uuid } from '../../schemas/primitives.ts';
import type { WorkspaceFile } from '../../schemas/workspace.ts';
import { alignSteps, differencesOf, filesThatDiffer, isDifferent } from '../comparison.ts';
import type { ApiDeps } from '../deps.ts';
import { ComparisonResource } from '../resources.ts';
import { createRoutes, json, problems, security } from '../route-parts.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/comparisons',
  operationId: 'compareEpisodes',
  summary:
    'Hold two episodes against each other: facts, steps side by side, the first that differs, and the files left',
  tags: ['debugging'],
  security,
  middleware: compress(),
  request: { query: z.strictObject({ a: Uuid, b: Uuid }) },
  responses: { 200: json('What is the same, and what differs', ComparisonResource), ...problems(404) },
});

/** Two episodes side by side. */
export function createComparisonRoutes({ db, reconstruction }: Pick<ApiDeps, 'db' | 'reconstruction'>) {
  const filesOf = async (id: string): Promise<WorkspaceFile[] | null> => {
    try {
      const place = { episode_id: id, seq: await findLastPlace(db, id) };
      return (await reconstruction.workspace(place)).files;
    } catch (error) {
      // Retention may have taken what the workspace consisted of: the steps can be compared all the same.
      if (AppError.from(error).code === 'data_loss') return null;
      throw error;
    }
  };
  return createRoutes().openapi(route, async (c) => {
    const { a, b } = c.req.valid('query');
    const [one, other] = [await getEpisode(db, a), await getEpisode(db, b)];
    const steps = alignSteps(await listComparable(db, one.id), await listComparable(db, other.id));
    const [filesOfOne, filesOfOther] = [await filesOf(one.id), await filesOf(other.id)];
    const first = steps.findIndex(isDifferent);
    return c.json(
      {
        a: one.id,
        b: other.id,
        facts: differencesOf(one, other),
        steps,
        first: first < 0 ? null : first,
        files: filesOfOne && filesOfOther && filesThatDiffer(filesOfOne, filesOfOther),
      },
      200,
    );
  });
}
