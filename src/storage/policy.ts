import { AppError } from '../errors.ts';

/** Linux's own limits, in bytes of UTF-8: a longer path or name could never be a file in the sandbox. */
const PATH_BYTES_MAX = 4_096;
const SEGMENT_BYTES_MAX = 255;
/** Rules of one policy; each is looked at for each path. */
const RULES_MAX = 100;

/** What a tool wants to do with a path. */
export type FileAccess = 'read' | 'write';

/** One rule of a policy. It covers `prefix` itself and everything below it, in whole path segments. */
export interface FileRule {
  effect: 'allow' | 'deny';
  access: FileAccess | 'any';
  prefix: string;
}

/** What one role may do with files. A deny rule wins over every allow rule; what no rule covers is denied. */
export interface FilePolicy {
  allows(access: FileAccess, path: string): boolean;
  /** Whether something below the folder may be accessed, so that the folder has to be shown on the way to it. */
  allowsBelow(access: FileAccess, folder: string): boolean;
  /** Throws permission_denied, in words that show the agent what it may do, unless `allows`. */
  check(access: FileAccess, path: string): void;
}

/** A policy from its rules; throws invalid_argument for a prefix that is no path or for more than 100 rules. */
export function createFilePolicy(rules: readonly FileRule[]): FilePolicy {
  if (rules.length > RULES_MAX) throw new AppError('invalid_argument', `A policy has at most ${RULES_MAX} rules.`);
  const normal = rules.map((rule) => ({ ...rule, prefix: parseAgentPath(rule.prefix) }));
  const prefixes = (effect: FileRule['effect'], access: FileAccess) =>
    normal.filter((rule) => rule.effect === effect && covers(rule, access)).map((rule) => rule.prefix);

  const allows = (access: FileAccess, path: string) =>
    prefixes('allow', access).some((prefix) => isWithin(prefix, path)) &&
    !prefixes('deny', access).some((prefix) => isWithin(prefix, path));

  return {
    allows,
    allowsBelow: (access, folder) =>
      allows(access, folder) ||
      prefixes('allow', access).some((prefix) => isWithin(folder, prefix) && allows(access, prefix)),
    check(access, path) {
      if (allows(access, path)) return;
      const verb = access === 'read' ? 'Reading' : 'Writing';
      const allowed = prefixes('allow', access).join(', ') || 'nothing';
      const denied = prefixes('deny', access).join(', ');
      const except = denied ? `, except: ${denied}` : '';
      throw new AppError('permission_denied', `${verb} ${path} is not allowed. Allowed: ${allowed}${except}.`);
    },
  };
}

/** Whether `path` is `prefix` or lies below it; both normalised. `/renders` does not cover `/rendersfoo`. */
export function isWithin(prefix: string, path: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}

/**
 * A path as an agent wrote it, normalised: absolute within the agent's file system, no `.`, `..`, doubled or trailing
 * slash. A relative path starts at `/`. Throws invalid_argument for what is empty, too long, leaves the root, or holds
 * NUL, control characters, backslashes or broken Unicode.
 */
export function parseAgentPath(text: string): string {
  if (text.length === 0) throw refuse('it is empty');
  if (Buffer.byteLength(text) > PATH_BYTES_MAX) throw refuse(`it is longer than ${PATH_BYTES_MAX} bytes`);
  if (!text.isWellFormed()) throw refuse('it is not valid Unicode');
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refuse('it holds a control character');
  if (text.includes('\\')) throw refuse('folders are separated by /, not by a backslash');
  if (text === '~' || text.startsWith('~/')) throw refuse('there is no home folder');

  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (segments.pop() === undefined) throw refuse('it goes up beyond the root');
    } else if (Buffer.byteLength(segment) > SEGMENT_BYTES_MAX) {
      throw refuse(`a name in it is longer than ${SEGMENT_BYTES_MAX} bytes`);
    } else {
      segments.push(segment);
    }
  }
  return `/${segments.join('/')}`;
}

function refuse(why: string): AppError {
  return new AppError('invalid_argument', `Not a usable path: ${why}. Write it like /folder/file.txt.`);
}

function covers(rule: FileRule, access: FileAccess): boolean {
  return rule.access === 'any' || rule.access === access;
}
