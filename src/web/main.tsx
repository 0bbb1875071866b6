import './styles/base.css';
import './styles/parts.css';
import './styles/panels.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createBrowserHistory, createHashHistory, RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import type { Root } from 'react-dom/client';
import { AppError } from '../errors.ts';
import { Failure } from './parts/failure.tsx';
import { applyScheme } from './parts/scheme.ts';
import { createPageRouter } from './router.tsx';
import { SourceContext } from './source/context.tsx';
import { openSource } from './source/open.ts';

/** What is on the screen is asked for again when somebody comes back to it, not while they look. */
const FRESH_MS = 5_000;
const TRIES_MAX = 3;

applyScheme();
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      retry: (tries, error) => tries < TRIES_MAX && error instanceof AppError && error.retry === 'patiently',
    },
  },
});
const bundle = new URLSearchParams(location.search).get('bundle');
const place = document.querySelector('#page');
if (place) await show(createRoot(place));

async function show(root: Root): Promise<void> {
  if (bundle !== null) root.render(<p className="waiting-line">Reading the bundle…</p>);
  try {
    const source = await openSource(bundle);
    // A bundle lies beside the page on a server that knows no addresses of ours: there they stand behind the `#`.
    const router = createPageRouter(bundle === null ? createBrowserHistory() : createHashHistory(), source.only);
    root.render(
      <SourceContext value={source}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </SourceContext>,
    );
  } catch (error) {
    root.render(<Failure error={error} />);
  }
}
