import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BallastError } from '../../errors.js';
import { filesBelow, glob, isGlob } from './glob.js';

const SOURCE = /^((?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*)\/(.+)$/i;

/**
 * Data files of an installed package: `npm:<package>/<path or glob>`. The package is looked for in the `node_modules`
 * folders above the base directory, then above Ballast itself. Nothing is installed, no code of the package is run, and
 * a file outside of the package's folder (by `..` or a symbolic link) is an error.
 */
export async function packageFiles(
  source: string,
  baseDirectory: string,
): Promise<{ files: string[]; folder: string | undefined }> {
  const text = source.slice('npm:'.length);
  const [, name, path] = SOURCE.exec(text) ?? [];
  if (name === undefined || path === undefined) {
    throw new BallastError('not of the form npm:<package>/<path>', { code: 'DATA_SOURCE', place: source });
  }
  if (path.split(/[\\/]/).includes('..')) throw outside(source);
  const root = await packageRoot(name, baseDirectory);
  if (root === undefined) {
    throw new BallastError(`the package ${name} is not installed`, {
      code: 'DATA_PACKAGE_MISSING',
      kind: 'not-found',
      place: source,
      remedy: `Install it: npm install ${name}`,
    });
  }
  const named = isGlob(path) ? undefined : await inside(join(root, path), root, source);
  const folder = named !== undefined && (await isFolder(named)) ? named : undefined;
  const found =
    folder !== undefined ? await filesBelow(folder) : named !== undefined ? [named] : await glob(path, root);
  return { files: await Promise.all(found.map((file) => inside(file, root, source))), folder };
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

async function inside(file: string, root: string, source: string): Promise<string> {
  const real = await realpath(file).catch(() => {
    throw new BallastError('the package has no such file', {
      code: 'DATA_NOT_FOUND',
      kind: 'not-found',
      place: source,
    });
  });
  const below = relative(root, real);
  if (below.startsWith(`..${sep}`) || below === '..' || isAbsolute(below)) throw outside(source);
  return real;
}

function outside(source: string): BallastError {
  return new BallastError('the path leaves the package', { code: 'DATA_PATH_OUTSIDE', place: source });
}

async function packageRoot(name: string, baseDirectory: string): Promise<string | undefined> {
  for (const start of [baseDirectory, dirname(fileURLToPath(import.meta.url))]) {
    for (let directory = start; ; directory = dirname(directory)) {
      const candidate = join(directory, 'node_modules', name);
      if (await isFolder(candidate)) return realpath(candidate);
      if (dirname(directory) === directory) break;
    }
  }
  return undefined;
}
