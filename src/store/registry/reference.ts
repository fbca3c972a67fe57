import { BallastError } from '../../errors.js';
import type { Store } from '../types.js';
import type { ModelVersion, NewVersion } from './types.js';

/** `models:/name/version`, `models:/name@alias`, `models:/name/latest`. */
const OF_VERSION = /^models:\/{1,3}([^/@]+)(?:\/([^/@]+)|@([^/@]+))$/;
const OF_LOGGED_MODEL = /^models:\/(m-[0-9a-f]{32})(?:\/(.+))?$/;
const OF_RUN = /^runs:\/{1,2}([0-9a-f]{4,32})(?:\/(.+))?$/i;
const OF_PROXY = /^mlflow-artifacts:\/(\d+)\/(?:(models)\/)?((?:m-)?[0-9a-f]{32})\/artifacts(?:\/(.+))?$/;

/** Whether a reference is one to a registered model. */
export function isModelReference(reference: string): boolean {
  return reference.startsWith('models:');
}

/**
 * The version that a reference means.
 *
 * @throws BallastError `MODEL_REFERENCE_INVALID`, `MODEL_NOT_FOUND`, `VERSION_NOT_FOUND`, `ALIAS_NOT_FOUND`
 */
export async function findVersion(store: Store, reference: string): Promise<ModelVersion> {
  const found = OF_VERSION.exec(reference);
  if (found === null) throw referenceInvalid(reference);
  const [, name, version, alias] = found;
  if (alias !== undefined) return store.getVersionByAlias(name, alias);
  if (version.toLowerCase() === 'latest') {
    const { versions } = await store.searchVersions({
      filter: `name = '${name.replaceAll("'", "''")}'`,
      orderBy: ['version_number DESC'],
      limit: 1,
    });
    if (versions[0] !== undefined) return versions[0];
  }
  if (!/^\d{1,9}$/.test(version)) throw referenceInvalid(reference);
  return store.getVersion(name, Number(version));
}

/**
 * Whose files a source means. Only what this store holds can be registered: no path of the machine, no address.
 *
 * @throws BallastError `SOURCE_REFUSED`
 */
export async function parseSource(store: Store, source: string): Promise<NewVersion['from']> {
  if (!/[?#%\\]/.test(source) && !hasDots(source)) {
    const run = OF_RUN.exec(source);
    if (run !== null) return { kind: 'run', runId: (await store.findRun(run[1])).id, path: run[2] ?? '' };
    const logged = OF_LOGGED_MODEL.exec(source);
    if (logged !== null) return { kind: 'logged-model', modelId: logged[1], path: logged[2] ?? '' };
    const proxy = OF_PROXY.exec(source);
    if (proxy !== null) {
      const [, , models, id, path = ''] = proxy;
      return models === undefined ? { kind: 'run', runId: id, path } : { kind: 'logged-model', modelId: id, path };
    }
    if (OF_VERSION.test(source)) {
      const { name, version } = await findVersion(store, source);
      return { kind: 'version', name, version };
    }
  }
  throw new BallastError('Invalid model version source: it is not in this store', {
    code: 'SOURCE_REFUSED',
    place: 'source',
    value: source,
    remedy: 'Name a run (runs:/ID/path), a logged model (models:/m-...), or a registered version (models:/name/1).',
  });
}

function hasDots(path: string): boolean {
  return path.split('/').some((part) => part === '..' || part === '.');
}

function referenceInvalid(reference: string): BallastError {
  return new BallastError('This is no reference to a registered model', {
    code: 'MODEL_REFERENCE_INVALID',
    value: reference,
    remedy: 'Write models:/NAME/VERSION or models:/NAME@ALIAS.',
  });
}
