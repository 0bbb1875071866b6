/** A place in MJCF that names a file. */
export interface FileName {
  /** The element, such as `mesh`, and the attribute that holds the name. */
  element: string;
  /** Where the value is in the text, between its quotes. */
  from: number;
  to: number;
  file: string;
  /** Where a `name` may be put in that keeps what the element is called; undefined where it has one, or is not called by its file. */
  unnamedAt?: number;
}

/** What a piece of MJCF says of files: those that it names, in order, and the folders that its `<compiler>` gives. */
export interface NamedFiles {
  files: FileName[];
  compiler: Record<string, string>;
  /** Where the compiler's folders are in the text, to be taken out. */
  folders: { from: number; to: number }[];
}

const FILE_ATTRIBUTES = /^file(right|left|up|down|front|back)?$/;
const FILE_ELEMENTS: ReadonlySet<string> = new Set([
  'include',
  'mesh',
  'hfield',
  'skin',
  'texture',
  'model',
  'flexcomp',
]);
/** Elements that the engine calls by their file where they have no name. */
const CALLED_BY_FILE: ReadonlySet<string> = new Set(['mesh', 'hfield', 'skin', 'texture']);
const FOLDERS: ReadonlySet<string> = new Set(['meshdir', 'texturedir', 'assetdir', 'strippath']);

const TAG =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/?>/g;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** Reads which files a text of MJCF names. What is no well-formed XML is left to the engine, whose message says where it is wrong. */
export function readFileNames(xml: string): NamedFiles {
  const found: NamedFiles = { files: [], compiler: {}, folders: [] };
  for (const { 1: element, 2: text = '', index } of xml.matchAll(TAG)) {
    if (element === undefined) continue;
    const start = index + 1 + element.length;
    const attributes = [...text.matchAll(ATTRIBUTE)].map((match) => {
      const value = match[2] ?? match[3] ?? '';
      const to = start + match.index + match[0].length - 1;
      return {
        name: match[1] ?? '',
        value,
        from: to - value.length,
        to,
        whole: { from: start + match.index, to: to + 1 },
      };
    });
    if (element === 'compiler')
      for (const { name, value, whole } of attributes) {
        if (!FOLDERS.has(name)) continue;
        found.compiler[name] = unescape(value);
        found.folders.push(whole);
      }
    if (!FILE_ELEMENTS.has(element)) continue;
    const unnamed = CALLED_BY_FILE.has(element) && !attributes.some(({ name }) => name === 'name');
    for (const { name, value, from, to } of attributes)
      if (FILE_ATTRIBUTES.test(name) && value !== '')
        found.files.push({
          element,
          from,
          to,
          file: unescape(value),
          ...(unnamed && name === 'file' ? { unnamedAt: start } : {}),
        });
  }
  return found;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(value: string): string {
  return value.replace(/&(#?\w+);/g, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
