import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import type { RouterHistory } from '@tanstack/react-router';
import { EpisodesPage } from './episodes/episodes-page.tsx';
import { readFilter } from './episodes/filter.ts';
import { Failure } from './parts/failure.tsx';
import { FindPage } from './find-page.tsx';
import { NothingHere, Shell } from './shell.tsx';
import { SignInByLink } from './sign-in.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: NothingHere, errorComponent: Failure });
const child = <const Path extends string>(path: Path) => ({ getParentRoute: () => root, path });

const routes = [
  createRoute({
    ...child('/'),
    beforeLoad: () => {
      // oxlint-disable-next-line typescript/only-throw-error -- so does the router want it
      throw redirect({ to: '/episodes', search: {} });
    },
  }),
  createRoute({ ...child('/sign-in'), component: SignInByLink }),
  createRoute({ ...child('/episodes'), component: EpisodesPage, validateSearch: readFilter }),
  createRoute({
    ...child('/episodes/$id'),
    component: lazyRouteComponent(() => import('./episode/episode-page.tsx'), 'EpisodePage'),
  }),
  createRoute({ ...child('/r/$kind/$id'), component: FindPage }),
  createRoute({ ...child('/r/$kind/$id/$run'), component: FindPage }),
];

/** The page's addresses. What stands behind `?` is text, word for word. */
export function createPageRouter(history: RouterHistory) {
  return createRouter({
    routeTree: root.addChildren(routes),
    history,
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const text = new URLSearchParams(search as Record<string, string>).toString();
      return text === '' ? '' : `?${text}`;
    },
    defaultErrorComponent: Failure,
    defaultPreload: 'intent',
  });
}
