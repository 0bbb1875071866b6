import { posix } from 'node:path';
import { AppError } from '../errors.ts';
import { SCENE_LIMITS } from './limits.ts';
import { readFileNames } from './scene-names.ts';
import type { FileName, NamedFiles } from './scene-names.ts';
import type { SceneFiles } from './scene.ts';

/** Where a scene's files come from: `locate` makes a path whole, `read` answers with the file's bytes. Both throw `AppError`. */
export interface SceneSource {
  locate(path: string): string;
  read(path: string): Promise<Uint8Array>;
}

/** A scene that is whole: the text and the files as the engine is to have them, and the paths that were read, the scene's first. */
export interface ResolvedScene extends SceneFiles {
  inputs: string[];
}

/** Errors that say that a named file cannot be had. */
const MISSING: ReadonlySet<string> = new Set(['not_found', 'invalid_argument', 'permission_denied']);

/**
 * Reads a scene and exactly the files that it names, by MuJoCo's rules: includes and models by the scene's folder, assets by the
 * compiler's folders, models' own assets by the models' folders. The engine gets them under names that no two share, because its own
 * search takes any file of the same last name. Throws `invalid_argument` that names the file that is missing.
 */
export async function resolveScene(scenePath: string, source: SceneSource): Promise<ResolvedScene> {
  const files = new Map<string, Uint8Array>();
  const { inputs, read } = createReader(scenePath, source);

  /** A document: the scene, or a model that it attaches, with what they include. */
  const resolveDocument = async (xml: string, folder: string): Promise<string> => {
    const parts = new Map<string, string>();
    const compiler: Record<string, string> = {};
    // Includes first: their <compiler> counts for the whole document.
    const gather = async (text: string): Promise<NamedFiles> => {
      const named = readFileNames(text);
      Object.assign(compiler, named.compiler);
      for (const include of named.files.filter(({ element }) => element === 'include')) {
        const { name, bytes } = await read(within(folder, include.file), include);
        if (bytes === undefined) continue;
        const included = Buffer.from(bytes).toString('utf8');
        parts.set(name, included);
        await gather(included);
      }
      return named;
    };
    await gather(xml);
    const rewrite = async (text: string): Promise<string> => {
      const named = readFileNames(text);
      const edits = named.folders.map(({ from, to }) => ({ from, to, text: '' }));
      for (const one of named.files) {
        const { name, bytes } = await read(pathOf(one, folder, compiler), one);
        edits.push({ from: one.from, to: one.to, text: escape(name) });
        if (one.unnamedAt !== undefined)
          edits.push({ from: one.unnamedAt, to: one.unnamedAt, text: ` name="${escape(posix.parse(one.file).name)}"` });
        if (bytes === undefined) continue;
        const whole = posix.dirname(pathOf(one, folder, compiler));
        files.set(
          name,
          one.element === 'model'
            ? Buffer.from(await resolveDocument(Buffer.from(bytes).toString('utf8'), whole))
            : bytes,
        );
      }
      return edits
        .toSorted((a, b) => b.from - a.from)
        .reduce((now, { from, to, text: put }) => now.slice(0, from) + put + now.slice(to), text);
    };
    for (const [name, text] of parts) files.set(name, Buffer.from(await rewrite(text)));
    return rewrite(xml);
  };

  const xml = Buffer.from(await source.read(scenePath)).toString('utf8');
  return { xml: await resolveDocument(xml, posix.dirname(scenePath)), files, inputs };
}

/** Reads each file once, and gives it a name that no other has. */
function createReader(scenePath: string, source: SceneSource) {
  const given = new Map<string, string>();
  const inputs = [scenePath];
  const read = async (path: string, { element, file }: FileName) => {
    let whole = '';
    let bytes: Uint8Array = new Uint8Array();
    try {
      whole = source.locate(path);
      if (!given.has(whole)) bytes = await source.read(whole);
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (!MISSING.has(error.code)) throw thrown;
      throw new AppError(
        'invalid_argument',
        `The scene cannot be compiled: its <${element}> names the file "${file}", which would be ${path}: ${error.message}`,
        { cause: thrown },
      );
    }
    const known = given.get(whole);
    if (known !== undefined) return { name: known, bytes: undefined };
    if (given.size >= SCENE_LIMITS.FILES_MAX)
      throw new AppError('resource_exhausted', `The scene names more than ${SCENE_LIMITS.FILES_MAX} files.`);
    const name = `${given.size}-${posix.basename(whole)}`;
    given.set(whole, name);
    inputs.push(whole);
    return { name, bytes };
  };
  return { inputs, read };
}

function pathOf({ element, file }: FileName, folder: string, compiler: Record<string, string>): string {
  if (element === 'include' || element === 'model') return within(folder, file);
  const { meshdir, texturedir, assetdir = '', strippath } = compiler;
  const dir = (element === 'texture' ? texturedir : meshdir) ?? assetdir;
  return within(within(folder, dir), strippath === 'true' ? posix.basename(file) : file);
}

/** A path that begins with / is one of the workspace. Not `join`, which forgets how far `..` goes up. */
const within = (folder: string, path: string) => (path.startsWith('/') ? path : `${folder}/${path}`);

const escape = (value: string) => value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
