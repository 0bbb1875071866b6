import { useState } from 'react';

/** The colour schemes that one may choose; `auto` is what the system says. */
export const SCHEMES = ['auto', 'light', 'dark'] as const;
export type Scheme = (typeof SCHEMES)[number];

const KEPT_AS = 'observatory-scheme';

/** The scheme that was chosen in this browser. */
function chosen(): Scheme {
  const kept = localStorage.getItem(KEPT_AS);
  return SCHEMES.find((each) => each === kept) ?? 'auto';
}

/** Shows the page in the scheme that was chosen. */
export function applyScheme(scheme = chosen()): void {
  document.documentElement.style.colorScheme = scheme === 'auto' ? 'light dark' : scheme;
}

/** The scheme, and how to choose another. */
export function useScheme(): [Scheme, (next: Scheme) => void] {
  const [scheme, setScheme] = useState(chosen);
  return [
    scheme,
    (next) => {
      localStorage.setItem(KEPT_AS, next);
      applyScheme(next);
      setScheme(next);
    },
  ];
}
