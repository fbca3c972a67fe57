import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, parse, resolve, sep } from 'node:path';
import { BallastError } from '../../errors.js';
import { fileFault, systemCode } from './faults.js';

/** More files than this match nothing on purpose. */
const MAXIMUM_FILES = 2_000_000;

/** Whether the text asks for several files: `*`, `?`, `[...]` or `{a,b}`. */
export function isGlob(text: string): boolean {
  return /[*?[\]{}]/.test(text);
}

/** Code-point order, the same on every machine and in every locale. */
export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Files that match a glob, sorted by path: `*` and `?` within a name, `**` any folders, `[a-z]`, `[!a-z]`, `{a,b}`.
 * Hidden files and folders match only a pattern that starts with a dot.
 */
export async function glob(pattern: string, baseDirectory: string): Promise<string[]> {
  const found = new Set<string>();
  for (const alternative of expandBraces(pattern)) {
    const absolute = isAbsolute(alternative) ? alternative : join(baseDirectory, alternative);
    const root = parse(absolute).root;
    const parts = absolute
      .slice(root.length)
      .split(sep === '\\' ? /[\\/]/ : '/')
      .filter((part) => part !== '');
    await walk(root, parts, found);
  }
  return [...found].sort(byCodePoint);
}

/** All files below a folder, sorted; hidden ones are left out. */
export async function filesBelow(directory: string): Promise<string[]> {
  const found = new Set<string>();
  await walk(resolve(directory), ['**', '*'], found);
  return [...found].sort(byCodePoint);
}

async function walk(directory: string, parts: readonly string[], found: Set<string>): Promise<void> {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (part !== '**' && !isGlob(part)) {
    const path = join(directory, part);
    if (rest.length > 0) return walk(path, rest, found);
    if (await isFile(path)) add(path, found);
    return;
  }
  const entries = await list(directory);
  if (part === '**') await walk(directory, rest, found);
  const matches = part === '**' ? undefined : nameMatcher(part);
  for (const entry of entries) {
    if (entry.name.startsWith('.') && !part.startsWith('.')) continue;
    const path = join(directory, entry.name);
    const folder = entry.isDirectory() || (entry.isSymbolicLink() && part !== '**' && (await isFolder(path)));
    if (matches === undefined) {
      if (folder) await walk(path, parts, found);
    } else if (matches.test(entry.name)) {
      if (rest.length > 0) {
        if (folder) await walk(path, rest, found);
      } else if (!folder && (entry.isFile() || (await isFile(path)))) {
        add(path, found);
      }
    }
  }
}

function add(path: string, found: Set<string>): void {
  found.add(path);
  if (found.size > MAXIMUM_FILES) {
    throw new BallastError(`more than ${MAXIMUM_FILES} files match`, {
      code: 'DATA_TOO_MANY_FILES',
      place: path,
      remedy: 'Narrow the pattern.',
    });
  }
}

async function list(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw fileFault(error, directory);
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** `a{b,c}d` -> `abd`, `acd`; nested braces too. */
function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  let depth = 0;
  const cuts = [open];
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === '{') depth++;
    else if (pattern[i] === ',' && depth === 1) cuts.push(i);
    else if (pattern[i] === '}' && --depth === 0) {
      cuts.push(i);
      const before = pattern.slice(0, open);
      const after = pattern.slice(i + 1);
      return cuts.slice(1).flatMap((end, k) => expandBraces(`${before}${pattern.slice(cuts[k] + 1, end)}${after}`));
    }
  }
  return [pattern];
}

function nameMatcher(part: string): RegExp {
  const source = part.replace(/\[([!^]?)([^\]]+)\]|[*?]|[\\^$+.()|{}[\]]/g, (token, negate: string, set: string) => {
    if (token === '*') return '.*';
    if (token === '?') return '.';
    if (set !== undefined) return `[${negate === '' ? '' : '^'}${set.replace(/[\\^]/g, '\\$&')}]`;
    return `\\${token}`;
  });
  return new RegExp(`^${source}$`, 'su');
}
