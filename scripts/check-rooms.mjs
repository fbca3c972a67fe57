// Holds the sources to their layout: imports point one way, barrels export by name, files stay readable.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow, ROOMS } from './rooms.mjs';

const LONGEST = 500;
const DRAWERS = new Set(['utils', 'util', 'helpers', 'misc', 'common']);
/** Generated from a description of messages: nobody reads them. */
const GENERATED = /_pb\.ts$/;
const CODE_FOLDERS = ['src', 'assembly', 'test', 'benchmarks', 'scripts'];

/** An import or re-export: what it names, on which line. */
const IMPORT =
  /^(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|\bnew URL\(\s*['"](\.[^'"]+)['"],\s*import\.meta\.url/gm;

/**
 * What a module imports, types included; by `import`, `export ... from`, `import()` and `new URL(..., import.meta.url)`.
 *
 * @param {string} text
 * @returns {{ specifier: string, line: number }[]}
 */
export function importsOf(text) {
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match.slice(1).find((group) => group !== undefined) ?? '';
    const end = match.index + match[0].lastIndexOf(specifier);
    return { specifier, line: text.slice(0, end).split('\n').length };
  });
}

/**
 * Every breach of the layout below a repository's root, one line each: `place: what is wrong`.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function checkRooms(root) {
  return [
    ...CODE_FOLDERS.flatMap((folder) => checkFolder(root, folder)),
    ...filesBelow(join(root, 'src'))
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => checkSource(root, path)),
    ...readdirSync(join(root, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !ROOMS.includes(entry.name))
      .map(({ name }) => `src/${name}: not a room; scripts/rooms.mjs lists them in their order`),
  ];
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function checkFolder(root, folder) {
  const files = filesBelow(join(root, folder));
  const drawers = new Set(files.map((path) => dirname(path)).filter((path) => DRAWERS.has(basename(path))));
  return [
    ...[...drawers].map((path) => `${folder}/${path}: a drawer; name the folder by what it holds`),
    ...files
      .filter((path) => /\.m?[tj]s$/.test(path) && !GENERATED.test(path))
      .map((path) => ({ path, lines: readFileSync(join(root, folder, path), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > LONGEST)
      .map(({ path, lines }) => `${folder}/${path}: ${lines} lines; the limit is ${LONGEST}`),
  ];
}

/**
 * @param {string} root
 * @param {string} path below src
 * @returns {string[]}
 */
function checkSource(root, path) {
  const text = readFileSync(join(root, 'src', path), 'utf8');
  const place = (/** @type {number} */ line) => `src/${path}:${line}`;
  const isTest = isTestFile(path);
  const found = importsOf(text).flatMap(({ specifier, line }) => {
    const fault = importFault(path, specifier, isTest);
    return fault === undefined ? [] : [`${place(line)}: imports ${specifier}: ${fault}`];
  });
  const stars = [...text.matchAll(/^export \*/gm)].map(
    ({ index }) => `${place(text.slice(0, index).split('\n').length)}: export *; export by name`,
  );
  return [...found, ...stars, ...(isBarrel(path) ? barrelFaults(text, path) : [])];
}

/**
 * @param {string} path of the importing file, below src
 * @param {string} specifier
 * @param {boolean} isTest tests may use what stands in test/ and later rooms
 * @returns {string | undefined} what is wrong with it
 */
function importFault(path, specifier, isTest) {
  if (specifier === 'ballast' || specifier.startsWith('ballast/')) return 'inside the package, import by path';
  if (!specifier.startsWith('.')) return undefined;
  const target = normalize(join(dirname(path), specifier)).replaceAll('\\', '/');
  if (/^(\.\.\/)?dist(\/|$)/.test(target)) return 'sources import sources, not what was compiled';
  if (target.startsWith('..')) {
    const isData = /^\.\.\/(recipes\/|scenarios\/|package\.json$)/.test(target);
    return isTest || isData ? undefined : 'outside of src';
  }
  const from = roomOf(path);
  const to = roomOf(target);
  if (!isTest && isTestFile(target)) return 'only tests import tests';
  if (from === 'index') return undefined;
  if (to === 'index') return 'rooms do not import the package’s own entry';
  // A test may need rooms in which what it tests is used; nothing of the package imports tests.
  return !isTest && ROOMS.indexOf(to) > ROOMS.indexOf(from) ? `${from} comes before ${to}` : undefined;
}

/** @param {string} path below src */
function roomOf(path) {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.[tj]s$/, '');
}

/** @param {string} path below src, of a source or as it is imported */
function isTestFile(path) {
  return /\.(test|fixture)\.[tj]s$/.test(path) || path.includes('/cases/');
}

/** @param {string} path below src */
function isBarrel(path) {
  return path === 'index.ts' || (path.endsWith('/index.ts') && path.split('/').length === 2);
}

/**
 * A room's index.ts holds its list of exports and nothing else.
 *
 * @param {string} text
 * @param {string} path below src
 */
function barrelFaults(text, path) {
  const rest = text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/^export (type )?\{[^}]*\} from '[^']+';$/gm, '')
    .trim();
  return rest === '' ? [] : [`src/${path}: only \`export { ... } from\` here; found ${rest.split('\n')[0]}`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = checkRooms(fileURLToPath(new URL('..', import.meta.url)));
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exit(1);
}
