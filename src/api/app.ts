import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { requireKey } from './authentication.ts';
import type { ApiDeps } from './deps.ts';
import { createMetrics } from './metrics.ts';
import { documentOf } from './openapi.ts';
import { problemOf, problemResponse } from './problem.ts';
import { createRoutes } from './route-parts.ts';
import { createAlertRoutes } from './routes/alerts.ts';
import { createArtifactRoutes } from './routes/artifacts.ts';
import { createBundleRoutes } from './routes/bundle.ts';
import { createCatalogueRoutes } from './routes/catalogue.ts';
import { createContentRoutes } from './routes/content.ts';
import { createComparisonRoutes } from './routes/comparisons.ts';
import { createCoverageRoutes } from './routes/coverage.ts';
import { createDocsRoutes } from './routes/docs.ts';
import { createEpisodeRoutes } from './routes/episodes.ts';
import { createEventRoutes } from './routes/events.ts';
import { createEventSchemaRoutes } from './routes/event-schemas.ts';
import { createForkRoutes } from './routes/forks.ts';
import { createReconstructionRoutes } from './routes/reconstruction.ts';
import { createLineageRoutes } from './routes/lineage.ts';
import { createLogRoutes } from './routes/logs.ts';
import { createOutlineRoutes } from './routes/outline.ts';
import { createPageRoutes } from './routes/page.ts';
import { createPeopleRoutes } from './routes/people.ts';
import { createRecoveryRoutes } from './routes/recovery.ts';
import { createReplayRoutes } from './routes/replays.ts';
import { createReproductionRoutes } from './routes/reproductions.ts';
import { createRewindRoutes } from './routes/rewind.ts';
import { createSearchRoutes } from './routes/search.ts';
import { createSessionRoutes } from './routes/sessions.ts';
import { createStepRoutes } from './routes/steps.ts';
import { createStreamRoutes } from './routes/stream.ts';
import { createSystemRoutes } from './routes/system.ts';

/** A request's id, given or made, at most so long; it is written into every answer, problem and log line. */
const REQUEST_ID_CHARS_MAX = 128;

/** The API: everything it answers is declared in its OpenAPI document, and everything that fails is a problem document. */
export function createApp(deps: ApiDeps) {
  const { logger } = deps;
  const metrics = createMetrics(deps);
  const app = createRoutes();
  app.onError((error, c) => {
    const answer = problemOf(c, error);
    const facts = { request_id: c.res.headers.get('x-request-id'), status: answer.status, err: error };
    if (answer.status >= 500) logger.error(facts, 'request failed');
    return answer;
  });
  app.notFound((c) => problemResponse(c, 'not_found', { detail: 'There is nothing at this address.' }));
  app.use(metrics.count);
  app.use(requestId({ limitLength: REQUEST_ID_CHARS_MAX }));
  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    const { method, path } = c.req;
    const duration_ms = Math.round(performance.now() - started);
    logger.info({ request_id: c.get('requestId'), method, path, status: c.res.status, duration_ms }, 'request');
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        problemResponse(c, 'method_not_allowed', { headers: { allow: methods.join(', ') } }),
    }),
  );
  app.use('/v1/*', requireKey(deps));
  const routed = app
    .route('/', createSystemRoutes(deps, metrics))
    .route('/', createEpisodeRoutes(deps))
    .route('/', createPeopleRoutes(deps))
    .route('/', createForkRoutes(deps))
    .route('/', createReconstructionRoutes(deps))
    .route('/', createRewindRoutes(deps))
    .route('/', createReproductionRoutes(deps))
    .route('/', createStepRoutes(deps))
    .route('/', createOutlineRoutes(deps))
    .route('/', createComparisonRoutes(deps))
    .route('/', createLogRoutes(deps))
    .route('/', createEventRoutes(deps))
    .route('/', createEventSchemaRoutes())
    .route('/', createStreamRoutes(deps))
    .route('/', createCoverageRoutes(deps))
    .route('/', createArtifactRoutes(deps))
    .route('/', createLineageRoutes(deps))
    .route('/', createContentRoutes(deps))
    .route('/', createCatalogueRoutes(deps))
    .route('/', createSearchRoutes(deps))
    .route('/', createSessionRoutes(deps))
    .route('/', createRecoveryRoutes(deps))
    .route('/', createAlertRoutes(deps))
    .route('/', createReplayRoutes(deps))
    .route('/', createBundleRoutes(deps));
  const document = documentOf(routed);
  app.route('/', createDocsRoutes());
  app.route('/', createPageRoutes());
  app.get('/openapi.json', (c) => c.json(document));
  return routed;
}

/** What `hc` of hono/client derives a typed client from. */
export type AppType = ReturnType<typeof createApp>;
