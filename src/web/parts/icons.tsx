import type { ReactNode } from 'react';

/** Drawings of 16 × 16 by name; strokes take the colour of the text. */
const SHAPES = {
  ok: <path d="m3.5 8.5 3 3 6-7" />,
  error: <path d="m4.5 4.5 7 7m0-7-7 7" />,
  running: <path d="M8 2.5a5.5 5.5 0 1 1-5.5 5.5" />,
  waiting: <path d="M8 4v4.2l2.6 1.6M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2" />,
  paused: <path d="M5.5 4v8m5-8v8" />,
  stopped: <path d="M4.5 4.5h7v7h-7z" />,
  queued: <path d="M3 8h.01M8 8h.01M13 8h.01" strokeWidth="2.4" />,
  cancelled: <path d="M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2M4 12l8-8" />,
  lost: <path d="M8 9.2V9c0-1.6 2-1.7 2-3.3A2 2 0 0 0 6.1 5M8 12h.01" />,
  thought: <path d="M3 3.5h10v7H7.5L4.5 13v-2.5H3z" />,
  tool_call: <path d="m4 5 3 3-3 3m4.5 0H12" />,
  simulation: <path d="m8 2 5.2 3v6L8 14l-5.2-3V5zm0 6 5.2-3M8 8v6M8 8 2.8 5" />,
  review: <path d="M8 2 3 4v4c0 3 2.2 5 5 6 2.8-1 5-3 5-6V4zm-2 6 1.5 1.5L10.5 6" />,
  human: <path d="M8 7.5a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8M3.2 13.3c.5-2.6 2.4-3.9 4.8-3.9s4.3 1.3 4.8 3.9" />,
  system: <path d="M8 5.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6M8 2v1.6m0 8.8V14m6-6h-1.6M3.6 8H2" />,
  file: <path d="M4 2.5h5L12.5 6v7.5H4zM9 2.5V6h3.5" />,
  search: <path d="M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4m3.2 7.4 3.3 3.3" />,
  link: <path d="M6.5 9.5 13 3m-4 0h4v4M7 4H3v9h9V9" />,
  more: <path d="M4 8h.01M8 8h.01M12 8h.01" strokeWidth="2.4" />,
  open: <path d="m4 6.5 4 4 4-4" />,
  closed: <path d="m6.5 4 4 4-4 4" />,
  light: (
    <path d="M8 5.4a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2M8 1.8v1m0 10.4v1M14.2 8h-1M2.8 8h-1m10.6-4.4-.7.7M4.3 11.7l-.7.7m0-8.8.7.7m7.4 7.4.7.7" />
  ),
  dark: <path d="M13 9.6A5.4 5.4 0 0 1 6.4 3 5.4 5.4 0 1 0 13 9.6" />,
  auto: <path d="M8 2.4a5.6 5.6 0 1 1 0 11.2zm0 0a5.6 5.6 0 0 0 0 11.2" fill="none" />,
  play: <path d="M5 3.5v9l7.5-4.5z" fill="currentColor" />,
  fork: (
    <path d="M5 5.2v5.6M5 5.2a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2m0 5.6a1.6 1.6 0 1 0 0 3.2 1.6 1.6 0 0 0 0-3.2m6-5.6a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2m0 0C11 8 8 8 5 10" />
  ),
  compare: <path d="M2.5 3h4v10h-4zm7 0h4v10h-4z" />,
  plus: <path d="M8 3v10M3 8h10" />,
  close: <path d="m4 4 8 8m0-8-8 8" />,
} satisfies Record<string, ReactNode>;

/** The name of a drawing. */
export type IconName = keyof typeof SHAPES;

/** A drawing. Whoever cannot see it hears the words beside it, or `label` where there are none. */
export function Icon({ name, label, className = '' }: { name: IconName; label?: string; className?: string }) {
  return (
    <svg
      className={`icon ${className}`}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      role={label === undefined ? 'presentation' : 'img'}
      aria-hidden={label === undefined}
      {...(label !== undefined && { 'aria-label': label })}
    >
      {SHAPES[name]}
    </svg>
  );
}
