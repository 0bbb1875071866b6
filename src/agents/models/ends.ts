import type { ThoughtEnd } from '../../schemas/thought.ts';

// How endpoints say why an answer ended, in lower case. Any other word, and none at all, is an answer that is complete.

const CUT = new Set(['length', 'max_tokens', 'model_length', 'max_output_tokens', 'max_length', 'token_limit']);
const FILTERED = new Set([
  'content_filter',
  'safety',
  'recitation',
  'prohibited_content',
  'blocklist',
  'spii',
  'sensitive',
  'content-filter',
  'image_safety',
  'guardrail_intervened',
]);
const REFUSED = new Set(['refusal', 'refused']);
const MALFORMED = new Set(['malformed_function_call', 'malformed_tool_call', 'unexpected_tool_call']);
/** The endpoint gave up: asking again may help. */
const GIVEN_UP = new Set([
  'error',
  'abort',
  'aborted',
  'cancelled',
  'insufficient_system_resource',
  'network_error',
  'timeout',
  'load',
]);

/** What is to be known of an answer to say how it ended. */
type Ended = { finish_reason: string | null; text: string; refusal: string; calls: readonly { malformed?: unknown }[] };

/** Whether the endpoint says that it could not end the answer. */
export const gaveUp = (finish_reason: string | null): boolean => GIVEN_UP.has(plain(finish_reason));

/** How an answer ended; undefined where it is complete. */
export function endOf({ finish_reason, text, refusal, calls }: Ended): ThoughtEnd | undefined {
  const reason = plain(finish_reason);
  if (FILTERED.has(reason)) return 'filtered';
  if (calls.length === 0 && (refusal !== '' || REFUSED.has(reason))) return 'refused';
  if (CUT.has(reason)) return 'cut';
  if (MALFORMED.has(reason) || (calls.length > 0 && calls.every(({ malformed }) => malformed !== undefined)))
    return 'malformed';
  return calls.length === 0 && text.trim() === '' ? 'empty' : undefined;
}

/** Gemini's form puts what its own filter says before a colon. */
const plain = (reason: string | null) => reason?.toLowerCase().split(': ').at(-1)?.trim() ?? '';
