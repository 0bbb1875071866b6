import { useState } from 'react';
import { Plain } from '../../parts/text.tsx';

/** Members that are shown of one object or array, and characters of one text, until somebody asks for more. */
const MEMBERS_STEP = 100;
const TEXT_STEP = 4_000;
/** Beyond this a text is a block of its own. */
const INLINE_CHARS = 80;

/** A JSON value as a tree: open as deep as `open`, the rest when it is asked for, so that no depth and no size is too much. */
export function JsonView({ value, open = 2 }: Readonly<{ value: unknown; open?: number }>) {
  return (
    <div className="json">
      <Value value={value} open={open} />
    </div>
  );
}

function Value({ value, open }: Readonly<{ value: unknown; open: number }>) {
  if (typeof value === 'string') return <Text text={value} />;
  if (typeof value !== 'object' || value === null)
    return <span className={`json-${value === null ? 'null' : typeof value}`}>{String(value)}</span>;
  return <Members value={value} open={open} />;
}

function Members({ value, open }: Readonly<{ value: object; open: number }>) {
  const [shown, setShown] = useState(MEMBERS_STEP);
  const [opened, setOpened] = useState(open > 0);
  const array = Array.isArray(value);
  const keys = Object.keys(value);
  if (keys.length === 0) return <span className="dim">{array ? '[]' : '{}'}</span>;
  const summary = array
    ? `[${keys.length}]`
    : `{${keys.slice(0, 4).join(', ').slice(0, 60)}${keys.length > 4 ? ', …' : ''}}`;
  return (
    <details
      open={opened}
      onToggle={(event) => event.target === event.currentTarget && setOpened(event.currentTarget.open)}
    >
      <summary className="dim">{summary}</summary>
      {opened && (
        <ul>
          {keys.slice(0, shown).map((key) => (
            <li key={key}>
              <span className="json-key">
                <Plain>{key}</Plain>
              </span>{' '}
              <Value value={(value as Record<string, unknown>)[key]} open={open - 1} />
            </li>
          ))}
          {keys.length > shown && (
            <li>
              <button type="button" className="button quiet" onClick={() => setShown(shown + MEMBERS_STEP * 5)}>
                {(keys.length - shown).toLocaleString('en')} more
              </button>
            </li>
          )}
        </ul>
      )}
    </details>
  );
}

function Text({ text }: Readonly<{ text: string }>) {
  const [shown, setShown] = useState(TEXT_STEP);
  if (text.length <= INLINE_CHARS && !text.includes('\n'))
    return (
      <span className="json-string">
        <Plain>{text}</Plain>
      </span>
    );
  return (
    <pre className="json-block">
      <Plain>{text.slice(0, shown)}</Plain>
      {text.length > shown && (
        <button type="button" className="button quiet" onClick={() => setShown(shown * 8)}>
          … {(text.length - shown).toLocaleString('en')} more characters
        </button>
      )}
    </pre>
  );
}
