import { BallastError } from '../../errors.js';

/** A file or folder as MLflow lists them. */
export interface FileInfo {
  readonly path: string;
  readonly is_dir: boolean;
  readonly file_size?: number;
}

/**
 * The files and folders right below a folder; a file is its own only child. Of a path that is not there, none.
 *
 * @param folder empty for the root
 * @param options.full whether paths begin at the root, as run listings have them, or at the folder
 */
export function childrenOf(
  files: readonly { readonly path: string; readonly size: number }[],
  folder: string,
  { full }: { full: boolean },
): FileInfo[] {
  const at = folder.replace(/\/+$/, '');
  requirePlain(at);
  const prefix = at === '' ? '' : `${at}/`;
  const children = new Map<string, FileInfo>();
  for (const { path, size } of files) {
    if (!path.startsWith(prefix)) continue;
    const [name = '', ...rest] = path.slice(prefix.length).split('/');
    const shown = full ? `${prefix}${name}` : name;
    children.set(
      name,
      rest.length > 0 ? { path: shown, is_dir: true } : { path: shown, is_dir: false, file_size: size },
    );
  }
  return [...children.values()];
}

function requirePlain(path: string): void {
  const isPlain = path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  // Encoded twice: harmless here, and a way out for whoever decodes the name once more.
  if (isPlain && !/%(2e|2f|5c|00)/i.test(path)) return;
  throw new BallastError('Invalid path', {
    code: 'ARTIFACT_PATH_INVALID',
    place: 'path',
    value: path,
    remedy: 'Use a relative path with forward slashes and without "..".',
  });
}

/** Whose artifacts a path of the artifact proxy means, and which. */
export type ProxyPath =
  | {
      readonly owner: 'run' | 'model';
      readonly experimentId: number;
      /** Of the run or of the logged model. */
      readonly id: string;
      /** Below the artifacts of the owner; empty for all of them. */
      readonly path: string;
    }
  | { readonly owner: 'version'; readonly modelId: number; readonly version: number; readonly path: string };

const OF_RUN = /^(\d{1,15})\/([0-9a-f]{32})\/artifacts(?:\/(.*))?$/s;
const OF_MODEL = /^(\d{1,15})\/models\/(m-[0-9a-f]{32})\/artifacts(?:\/(.*))?$/s;

const OF_VERSION = /^registered\/(\d{1,15})\/(\d{1,9})(?:\/(.*))?$/s;

/**
 * Reads a path of the artifact proxy. Only the three shapes that this server hands out are any: nothing else below the
 * store can be named.
 *
 * @throws BallastError `ARTIFACT_PATH_INVALID`
 */
export function parseProxyPath(path: string): ProxyPath {
  const version = OF_VERSION.exec(path);
  if (version !== null) {
    const at = (version[3] ?? '').replace(/\/+$/, '');
    requirePlain(at);
    return { owner: 'version', modelId: Number(version[1]), version: Number(version[2]), path: at };
  }
  const run = OF_RUN.exec(path);
  const found = run ?? OF_MODEL.exec(path);
  if (found === null) {
    throw new BallastError(
      'Invalid path: it names the artifacts of no run, of no logged model and of no registered one',
      {
        code: 'ARTIFACT_PATH_INVALID',
        place: 'path',
        value: path,
        remedy: 'Use the artifact URI of a run or of a logged model.',
      },
    );
  }
  const below = (found[3] ?? '').replace(/\/+$/, '');
  requirePlain(below);
  return { owner: run === null ? 'model' : 'run', experimentId: Number(found[1]), id: found[2], path: below };
}
