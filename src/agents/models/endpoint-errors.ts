import { AppError } from '../../errors.ts';
import type { ErrorCode, ErrorDetails } from '../../errors.ts';
import { countIn, jsonIn, listIn, objectIn, textIn } from './loose.ts';
import type { Loose } from './loose.ts';
import { plainText } from './content.ts';
import { retryAfterInHeaders, retryAfterInMessage } from './retry-after.ts';

/** What an endpoint says of an error is kept up to here. */
const REASON_CHARS_MAX = 500;

/** Whose fault an error is, in its details: the workflow ends an episode by it. */
const ENDPOINT_ORIGIN = 'model_endpoint';

/** 4xx answers that another try may mend: request timeout, conflict, too early. */
const TRANSIENT_STATUSES = new Set([408, 409, 425]);
const STATUS_CODES: Partial<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  402: 'resource_exhausted',
  403: 'permission_denied',
  404: 'not_found',
  413: 'invalid_argument',
  429: 'unavailable',
  503: 'unavailable',
  529: 'unavailable',
};
/** Answers of 429 that no waiting mends: the account is empty. */
const EMPTY_ACCOUNT = /insufficient[_ ](quota|balance|credits?)|billing|exceeded your current quota/i;
/** What endpoints call a conversation that is too long, whatever their status. */
const TOO_LONG =
  /context_length_exceeded|exceed_context_size|(maximum|max) (context|prompt|model) (length|size)|context (length|window|size)|prompt (is )?too long|input (is )?too long|too many (input )?tokens|reduce the length|n_ctx|exceeds? the (maximum|max) (number of )?(input )?tokens/i;

/** Statuses of errors that came without one, by what they say. The first that fits counts. */
const STATUS_OF_WORDS: readonly [RegExp, number][] = [
  [TOO_LONG, 400],
  [EMPTY_ACCOUNT, 402],
  [/rate.?limit|too many requests|RESOURCE_EXHAUSTED|throttl/i, 429],
  [/overloaded|unavailable|capacity|try again later|queue is full/i, 503],
  [/api.?key|unauthori[sz]ed|authentication|UNAUTHENTICATED/i, 401],
  [/PERMISSION_DENIED|forbidden/i, 403],
  [/model_not_found|no such model|(model|deployment).*(not found|does not exist)|NOT_FOUND/i, 404],
  [/invalid_request|invalid_argument|bad request|BadRequestError/i, 400],
];

/** What an endpoint says of an error, in whatever form it said it. */
type Told = { message: string; status: number | undefined; words: string; retry_after_s: number | undefined };

/** A failure of the endpoint's answer: another try may mend it. What it used is not known unless somebody says it. */
export const endpointFailed = (message: string): AppError =>
  new AppError('model_failed', message, { details: { origin: ENDPOINT_ORIGIN, usage_unknown: true } });

/** The endpoint cannot be reached, for this reason: waiting may mend it. */
export const endpointAway = (reason: string): AppError =>
  new AppError('unavailable', `the model endpoint cannot be reached: ${reason}`, {
    details: { origin: ENDPOINT_ORIGIN },
  });

/** What an answer with an error's status means; `body` is its text. */
export function faultOfAnswer(
  { status, headers }: { status: number; headers: { get: (name: string) => string | null } },
  body: string,
  now: number,
): AppError {
  const told = toldIn(jsonIn(body)) ?? toldInText(body);
  return faultOf(status, { ...told, retry_after_s: retryAfterInHeaders(headers, now) ?? told.retry_after_s });
}

/** What a piece of an answer says of an error; undefined where it says nothing of one. */
export function faultIn(piece: Loose): AppError | undefined {
  const [choice] = listIn(piece['choices']).map(objectIn);
  const within = objectIn(choice?.['error']) ?? textIn(choice?.['error']);
  const told = within === undefined ? ofItself(piece) : toldIn({ error: within });
  return told && faultOf(told.status ?? statusOfWords(told), told, 'in its answer');
}

/** What a whole body that is no answer says: HTML of a proxy, plain words, nothing. */
export const faultOfText = (body: string): AppError =>
  endpointFailed(`the model endpoint answered with something else than an answer: ${toldInText(body).message}`);

function ofItself(piece: Loose): Told | undefined {
  const hasError = Boolean(piece['error']) || listIn(piece['errors']).length > 0 || piece['object'] === 'error';
  const flat =
    piece['choices'] === undefined && ['detail', 'message', 'msg', 'error_msg'].some((name) => Boolean(piece[name]));
  return hasError || (flat && piece['usage'] === undefined) || piece['type'] === 'error' ? toldIn(piece) : undefined;
}

function faultOf(status: number, { retry_after_s, ...told }: Told, where = ''): AppError {
  const tooLong = TOO_LONG.test(told.words) && status !== 429 && status < 502;
  const code = tooLong
    ? 'invalid_argument'
    : status === 429 && EMPTY_ACCOUNT.test(told.words)
      ? 'resource_exhausted'
      : codeOf(status);
  const details: ErrorDetails = {
    origin: ENDPOINT_ORIGIN,
    status,
    ...(retry_after_s !== undefined && { retry_after_s }),
    ...(tooLong && { context_share: shareIn(told.message) }),
  };
  const message = told.message.slice(0, REASON_CHARS_MAX);
  return new AppError(code, `the model endpoint answered ${status}${where && ` ${where}`}: ${message}`, { details });
}

function codeOf(status: number): ErrorCode {
  const known = STATUS_CODES[status];
  if (known) return known;
  return status >= 500 || status < 400 || TRANSIENT_STATUSES.has(status) ? 'model_failed' : 'invalid_argument';
}

const statusOfWords = ({ words }: Told): number => STATUS_OF_WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 500;

/** How much of a conversation that is too long there is room for, by the two counts of tokens that the refusal names. */
function shareIn(message: string): number {
  const counts = [...message.matchAll(/\d[\d,]{2,}/g)].map(([digits]) => Number(digits.replaceAll(',', '')));
  if (counts.length < 2) return 0.5;
  return Math.min(0.9, Math.max(0.05, Math.min(...counts) / Math.max(...counts)));
}

function toldIn(value: unknown): Told | undefined {
  const object = objectIn(Array.isArray(value) ? value[0] : value);
  if (!object) return undefined;
  const error = object['error'] ?? listIn(object['errors'])[0] ?? object;
  const inner = objectIn(error) ?? {};
  const message =
    [typeof error === 'string' ? error : messageIn(inner), upstreamIn(inner)].filter(Boolean).join(': ') ||
    messageIn(object);
  if (!message && error === object) return undefined;
  const words = [
    message,
    inner['code'],
    inner['type'],
    inner['status'],
    object['code'],
    object['type'],
    object['error_type'],
  ];
  const status = [
    inner['code'],
    inner['status'],
    inner['status_code'],
    object['code'],
    object['status'],
    object['status_code'],
  ]
    .map(countIn)
    .find((code) => code !== undefined && code >= 400 && code <= 599);
  const said = message || JSON.stringify(error);
  return {
    message: said,
    status,
    words: words.filter((word) => typeof word === 'string').join(' '),
    retry_after_s: retryAfterInMessage(said, inner),
  };
}

/** The sentence of an error object; of a validation's list of faults, each with its place. */
function messageIn(error: Loose): string {
  const detail = error['detail'];
  const faults = Array.isArray(detail)
    ? detail.map((one) => {
        const fault = objectIn(one);
        const place = listIn(fault?.['loc']).map(String).join('.');
        return fault ? `${place && `${place}: `}${plainText(fault['msg'] ?? fault['message'])}` : plainText(one);
      })
    : [];
  const nested = objectIn(detail) ?? objectIn(error['message']);
  return (
    textIn(error['message']) ??
    textIn(detail) ??
    textIn(faults.filter(Boolean).join('; ')) ??
    textIn(error['msg']) ??
    textIn(error['error_msg']) ??
    textIn(error['reason']) ??
    (nested ? messageIn(nested) || messageIn(objectIn(nested['error']) ?? {}) : '')
  );
}

/** What the provider behind a router said. */
function upstreamIn(error: Loose): string {
  const raw = objectIn(error['metadata'])?.['raw'];
  const told = typeof raw === 'string' ? (toldIn(jsonIn(raw))?.message ?? raw) : messageIn(objectIn(raw) ?? {});
  return told;
}

/** An error in words: the title of a proxy's page, else the text itself. */
function toldInText(body: string): Told {
  const title = /<(title|h1)[^>]*>([^<]*)</i.exec(body)?.[2];
  const plain = (title ?? body.replaceAll(/<[^>]*>/g, ' ')).replaceAll(/\s+/g, ' ').trim();
  const message = plain || 'it said nothing';
  return { message, status: undefined, words: message, retry_after_s: retryAfterInMessage(message, {}) };
}
