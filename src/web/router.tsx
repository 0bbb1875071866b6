import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import type { RouterHistory } from '@tanstack/react-router';
import { EpisodesPage } from './episodes/episodes-page.tsx';
import { readFilter } from './episodes/filter.ts';
import { Failure } from './parts/failure.tsx';
import { FindPage } from './find-page.tsx';
import { NothingHere, Shell } from './shell.tsx';
import { SignInByLink } from './sign-in.tsx';

/** Where the one episode is that there is; null where there are many. */
type Context = { only: string | null };

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: NothingHere,
  errorComponent: Failure,
});
const child = <const Path extends string>(path: Path) => ({ getParentRoute: () => root, path });

const routes = [
  createRoute({
    ...child('/'),
    beforeLoad: ({ context: { only } }) => {
      // oxlint-disable-next-line typescript/only-throw-error -- so does the router want it
      throw only === null
        ? redirect({ to: '/episodes', search: {} })
        : redirect({ to: '/episodes/$id', params: { id: only } });
    },
  }),
  createRoute({ ...child('/sign-in'), component: SignInByLink }),
  createRoute({
    ...child('/episodes'),
    component: EpisodesPage,
    validateSearch: readFilter,
    beforeLoad: ({ context: { only } }) => {
      // oxlint-disable-next-line typescript/only-throw-error -- so does the router want it
      if (only !== null) throw redirect({ to: '/episodes/$id', params: { id: only } });
    },
  }),
  createRoute({
    ...child('/episodes/$id'),
    component: lazyRouteComponent(() => import('./episode/episode-page.tsx'), 'EpisodePage'),
  }),
  createRoute({
    ...child('/artifacts/$sha256'),
    component: lazyRouteComponent(() => import('./artifact/artifact-page.tsx'), 'ArtifactPage'),
  }),
  createRoute({
    ...child('/compare'),
    component: lazyRouteComponent(() => import('./compare/compare-page.tsx'), 'ComparePage'),
    validateSearch: ({ a, b }: Record<string, unknown>): { a?: string; b?: string } => ({
      ...(typeof a === 'string' && { a }),
      ...(typeof b === 'string' && { b }),
    }),
  }),
  createRoute({ ...child('/r/$kind/$id'), component: FindPage }),
  createRoute({ ...child('/r/$kind/$id/$run'), component: FindPage }),
];

/** The page's addresses. What stands behind `?` is text, word for word. */
export function createPageRouter(history: RouterHistory, only: string | null) {
  return createRouter({
    routeTree: root.addChildren(routes),
    history,
    context: { only },
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      // Where the bundle lies stands before the `#`, and so in every address.
      const { bundle: _, ...own } = search as Record<string, string>;
      const text = new URLSearchParams(own).toString();
      return text === '' ? '' : `?${text}`;
    },
    defaultErrorComponent: Failure,
    defaultPreload: 'intent',
  });
}
