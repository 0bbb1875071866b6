import { Fragment } from 'react';
import type { ReactNode } from 'react';

/** Characters that order or hide text without being seen (Unicode's bidirectional controls, zero-width ones, C0 and C1). */
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
const UNSEEN_RUNS = new RegExp(`(${UNSEEN.source})`, 'g');

/** A text that may come from anybody: what would reorder or hide it is shown as its code point instead. */
export function Plain({ children }: { children: string }): ReactNode {
  if (!UNSEEN.test(children)) return children;
  return children.split(UNSEEN_RUNS).map((part, place) => {
    const key = `${place}`;
    if (!UNSEEN.test(part)) return <Fragment key={key}>{part}</Fragment>;
    const code = (part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return (
      <span key={key} className="unseen" title={`U+${code}`}>
        {code}
      </span>
    );
  });
}

/** What a terminal would be told: colours, movements, titles (ECMA-48). */
const CONTROL = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/** A line of a terminal: its colours as ours, everything else that it would do to a terminal left out. */
export function Terminal({ children }: { children: string }): ReactNode {
  if (!children.includes('\u001b')) return <Plain>{children}</Plain>;
  const parts: ReactNode[] = [];
  let style = '';
  let from = 0;
  const push = (until: number) => {
    if (until > from)
      parts.push(
        <span key={from} className={style}>
          <Plain>{children.slice(from, until)}</Plain>
        </span>,
      );
  };
  for (const match of children.matchAll(CONTROL)) {
    push(match.index);
    if (match[2] === 'm') style = styleOf(style, match[1] ?? '');
    from = match.index + match[0].length;
  }
  push(children.length);
  return parts;
}

/** The classes after a "select graphic rendition" with these parameters. */
function styleOf(before: string, parameters: string): string {
  const classes = new Set(before.split(' ').filter(Boolean));
  for (const code of parameters.split(/[;:]/).map(Number)) {
    if (code === 0) classes.clear();
    if (code === 1) classes.add('ansi-bold');
    if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      for (const name of classes) if (/^ansi-\d$/.test(name)) classes.delete(name);
      classes.add(`ansi-${code % 10}`);
    }
  }
  return [...classes].join(' ');
}
