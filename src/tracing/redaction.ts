import type { JsonInput } from '../schemas/primitives.ts';

/** What stands where a secret stood. */
const REDACTED = '[redacted]';

/** Members whose value is a secret whatever it says, compared without case, `-` and `_`. */
const SECRET_KEYS =
  'accesskey accesstoken apikey authorization clientsecret cookie credentials passphrase passwd password privatekey proxyauthorization refreshtoken secret secretaccesskey secretkey sessiontoken setcookie token';

/** What secrets look like in any text; `$1` is kept. */
const SECRET_PATTERNS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, // AWS
  /\b(?:sk|pk)-[A-Za-z0-9_-]{20,}/g, // OpenAI, Anthropic, Langfuse and others
  /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g, // Slack
  /\bAIza[0-9A-Za-z_-]{35}/g, // Google
  /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/g, // JSON web tokens
  /(\b(?:Bearer|Basic) )[A-Za-z0-9+/=._~-]{16,}/g,
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"']{0,100}:)[^\s:/@"']{1,200}(?=@)/g, // a URL's password
  /(\b[A-Z][A-Z0-9_]{0,60}?(?:PASSWORD|SECRET|API_KEY|TOKEN|ACCESS_KEY)[A-Z0-9_]{0,20}=)[^\s'"]{6,}/g, // an environment's line
];

/** Values of our own configuration shorter than this are too common to be taken for secrets wherever they occur. */
const LITERAL_CHARS_MIN = 8;

/** Takes secrets out of texts and JSON; what holds none comes back as it was. Redacting twice is redacting once. */
export type Redactor = { text: (text: string) => string; json: <T extends JsonInput>(value: T) => T };

/**
 * A redactor for what secrets look like, for members that are named like secrets, and for what is added to both:
 * `keys`, `patterns` (regular expressions; the whole match goes) and `literals`, the very secrets of this deployment.
 */
export function createRedactor(
  added: { keys?: readonly string[]; patterns?: readonly string[]; literals?: readonly string[] } = {},
): Redactor {
  const keys = new Set([...SECRET_KEYS.split(' '), ...(added.keys ?? []).map(plainKey)]);
  const patterns = [...SECRET_PATTERNS, ...(added.patterns ?? []).map((source) => new RegExp(source, 'g'))];
  const literals = (added.literals ?? []).filter(({ length }) => length >= LITERAL_CHARS_MIN);

  const text = (raw: string): string => {
    let clean = raw;
    for (const literal of literals) clean = clean.replaceAll(literal, REDACTED);
    for (const pattern of patterns)
      clean = clean.replace(pattern, (_match, kept: unknown) => `${typeof kept === 'string' ? kept : ''}${REDACTED}`);
    return clean;
  };
  const member = (key: string, value: JsonInput | undefined): JsonInput | undefined => {
    const holds = typeof value === 'string' ? value !== '' : typeof value === 'object' && value !== null;
    return holds && keys.has(plainKey(key)) ? REDACTED : value === undefined ? value : any(value);
  };
  const any = (value: JsonInput): JsonInput => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(any);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, member(key, inner)]));
  };
  return { text, json: <T extends JsonInput>(value: T) => any(value) as T };
}

const plainKey = (key: string) => key.toLowerCase().replaceAll(/[-_]/g, '');
