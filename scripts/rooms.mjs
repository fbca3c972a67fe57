// The rooms of src: the one list that the checks, the exports and the docs go by.
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * In the order of the lifecycle: a room imports only from rooms before it. `errors` is a file, the others are folders;
 * rooms that later versions bring have their place already.
 */
export const ROOMS = [
  'errors',
  'numeric',
  'concurrency',
  'charts',
  'graph',
  'data',
  'models',
  'evaluation',
  'regularizers',
  'training',
  'spec',
  'search',
  'paths',
  'diagnosis',
  'compression',
  'bundles',
  'store',
  'tuning',
  'serving',
  'monitoring',
  'rollout',
  'retraining',
  'reports',
  'server',
  'cli',
];

/** Rooms that are used from the command line, not imported. */
const WITHOUT_EXPORT = new Set(['cli']);

/**
 * The rooms that there are, in order.
 *
 * @param {string} root the repository
 * @returns {string[]}
 */
export function presentRooms(root) {
  return ROOMS.filter(
    (room) => existsSync(join(root, 'src', `${room}.ts`)) || filesBelow(join(root, 'src', room)).length > 0,
  );
}

/**
 * The export map of package.json that follows from the rooms: `ballast` itself, `ballast/<room>`, the spec's schema.
 *
 * @param {string} root the repository
 * @returns {Record<string, string | { types: string, default: string }>}
 */
export function exportMap(root) {
  const entry = (/** @type {string} */ path) => ({ types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` });
  const rooms = presentRooms(root)
    .filter((room) => !WITHOUT_EXPORT.has(room))
    .map((room) => [`./${room}`, entry(existsSync(join(root, 'src', `${room}.ts`)) ? room : `${room}/index`)]);
  return {
    '.': entry('index'),
    ...Object.fromEntries(rooms),
    './spec.schema.json': './dist/spec.schema.json',
    './package.json': './package.json',
  };
}

/**
 * Every file below a folder, as paths from it with forward slashes; none where there is no folder.
 *
 * @param {string} folder
 * @returns {string[]}
 */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
    .sort();
}
