import { RE2JS } from 're2js';
import type { JsonInput } from '../schemas/primitives.ts';
import { createFinder } from './secret-finder.ts';
import { SECRET_SHAPES } from './secrets.ts';

/** What a secret is replaced by. */
const REDACTED = '[redacted]';

/** Members whose value is a secret whatever it says, compared without case, `-` and `_`. */
const SECRET_KEYS =
  'accesskey accesstoken apikey authorization clientsecret cookie credentials passphrase passwd password privatekey proxyauthorization refreshtoken secret secretaccesskey secretkey sessiontoken setcookie token';

/** Under which names providers tell reasoning, in what goes back to them as it was: who takes `reasoning` out means these too. */
const REASONING_KEYS = [
  'reasoningcontent',
  'reasoningdetails',
  'reasoningtext',
  'thinking',
  'thinkingblocks',
  'thoughts',
];

/** Values of our own configuration shorter than this are too common to be taken for secrets wherever they occur. */
const LITERAL_CHARS_MIN = 8;

/** The most names of members that are remembered as secret or not. */
const NAMES_KNOWN_MAX = 1_000;

/** Takes secrets out of texts and JSON; what holds none comes back as it was. Redacting twice is redacting once. */
export type Redactor = {
  text: (text: string) => string;
  json: <T extends JsonInput>(value: T) => T;
  /** Whether a member of this name is kept. */
  keeps: (key: string) => boolean;
  /** Whether there are patterns of the deployment's own: they may match anything. */
  hasOwnPatterns: boolean;
};

/**
 * A redactor for what secrets look like, for members that are named like secrets, and for what is added to both:
 * `keys`, `patterns` (regular expressions of RE2's syntax, which none can make slow; the whole match goes) and `literals`, the very secrets of this deployment.
 */
export function createRedactor(
  added: { keys?: readonly string[]; patterns?: readonly string[]; literals?: readonly string[] } = {},
): Redactor {
  const own = (added.keys ?? []).map(plainKey);
  const keys = new Set([...SECRET_KEYS.split(' '), ...own, ...(own.includes('reasoning') ? REASONING_KEYS : [])]);
  const patterns = (added.patterns ?? []).map((source) => RE2JS.compile(source));
  const literals = (added.literals ?? []).filter(({ length }) => length >= LITERAL_CHARS_MIN);
  const replaceSecrets = createFinder(SECRET_SHAPES);

  const text = (raw: string): string => {
    let clean = raw;
    for (const literal of literals) clean = clean.replaceAll(literal, REDACTED);
    clean = replaceSecrets(clean, REDACTED);
    for (const pattern of patterns) clean = pattern.matcher(clean).replaceAll(REDACTED);
    return clean;
  };
  const known = new Map<string, boolean>();
  const isSecret = (key: string): boolean => {
    const found = known.get(key) ?? keys.has(plainKey(key));
    if (known.size < NAMES_KNOWN_MAX) known.set(key, found);
    return found;
  };
  const member = (key: string, value: JsonInput | undefined): JsonInput | undefined => {
    const holds = typeof value === 'string' ? value !== '' : typeof value === 'object' && value !== null;
    return holds && isSecret(key) ? REDACTED : value === undefined ? value : any(value);
  };
  const any = (value: JsonInput): JsonInput => {
    if (typeof value === 'string') return text(value);
    if (value === null || typeof value !== 'object') return value;
    // Nearly all that is looked through holds no secret: it is not copied.
    let changed = false;
    const kept = <T>(was: T, is: T): T => {
      changed ||= is !== was;
      return is;
    };
    if (Array.isArray(value)) {
      const clean = value.map((inner) => kept(inner, any(inner)));
      return changed ? clean : value;
    }
    const members = Object.entries(value);
    for (const entry of members) entry[1] = kept(entry[1], member(...entry));
    return changed ? Object.fromEntries(members) : value;
  };
  return {
    text,
    json: <T extends JsonInput>(value: T) => any(value) as T,
    keeps: (key) => !isSecret(key),
    hasOwnPatterns: patterns.length > 0,
  };
}

const plainKey = (key: string) => key.toLowerCase().replaceAll(/[-_]/g, '');
