import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkRooms, importsOf } from '../../scripts/check-rooms.mjs';
import { exportMap } from '../../scripts/rooms.mjs';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ballast-rooms-'));
  write('src/errors.ts', 'export class BallastError extends Error {}\n');
  write('src/data/index.ts', "/** Data. */\nexport { type Table, read } from './read.js';\n");
  write(
    'src/data/read.ts',
    "import { BallastError } from '../errors.js';\nexport const read = () => new BallastError();\n",
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

it('is content with rooms that import from rooms before them', () => {
  write('src/store/open.ts', "import type { Table } from '../data/index.js';\nexport type T = Table;\n");
  write('src/store/open.test.ts', "import { x } from '../../test/support/x.js';\nimport '../cli/main.js';\nx();\n");
  write('src/index.ts', "export { read } from './data/read.js';\n");
  write('src/cli/version.ts', "const file = new URL('../../package.json', import.meta.url);\nexport { file };\n");
  expect(checkRooms(root)).toEqual([]);
});

it.each([
  ['an import', "import { open } from '../store/open.js';"],
  ['an import of types', "import type { Store } from '../store/open.js';"],
  ['an import over lines', "import {\n  open,\n  type Store,\n} from '../store/open.js';"],
  ['a bare import', "import '../store/open.js';"],
  ['a re-export', "export { open } from '../store/open.js';"],
  ['a dynamic import', "export const open = async () => (await import('../store/open.js')).open;"],
  ['the type of an import', "export type Store = import('../store/open.js').Store;"],
  ['the address of a module', "export const child = new URL('../store/child.js', import.meta.url);"],
])('finds %s of a later room', (_name, text) => {
  write('src/data/late.ts', `${text}\n`);
  expect(checkRooms(root)).toEqual([
    expect.stringMatching(/^src\/data\/late\.ts:\d+: imports .*data comes before store$/),
  ]);
});

it.each([
  ['src/data/a.ts', "import { x } from '../../dist/store/index.js';\n", 'what was compiled'],
  ['src/data/a.ts', "import { x } from '../../test/support/x.js';\n", 'outside of src'],
  ['src/data/a.ts', "import { x } from 'ballast/store';\n", 'import by path'],
  ['src/data/a.ts', "import { x } from '../graph/x.fixture.js';\n", 'only tests import tests'],
  ['src/data/a.ts', "import { x } from '../graph/operators/cases/index.js';\n", 'only tests import tests'],
  ['src/data/a.ts', "export { x } from '../index.js';\n", 'own entry'],
  ['src/data/a.ts', "export * from './read.js';\n", 'export by name'],
  ['src/numeric/index.ts', "export { sum } from './sum.js';\nexport const one = 1;\n", 'export const one = 1;'],
  ['src/data/utils/a.ts', 'export const x = 1;\n', 'a drawer'],
  ['src/data/a.ts', 'const x = 1;\n'.repeat(501), '501 lines'],
  ['test/long.test.ts', '//\n'.repeat(501), '501 lines'],
  ['src/stuff/a.ts', 'export const x = 1;\n', 'not a room'],
])('finds what else is out of place: %s, %j', (path, text, fault) => {
  write(path, text);
  expect(checkRooms(root)).toEqual([expect.stringContaining(fault)]);
});

it('tells the line of each import', () => {
  expect(importsOf("import a from 'a';\nimport {\n  b,\n} from 'b';\n\nexport { c } from './c.js';\n")).toEqual([
    { specifier: 'a', line: 1 },
    { specifier: 'b', line: 4 },
    { specifier: './c.js', line: 6 },
  ]);
});

it('makes the export map of what is there', () => {
  mkdirSync(join(root, 'src', 'graph'));
  expect(Object.keys(exportMap(root))).toEqual(['.', './errors', './data', './spec.schema.json', './package.json']);
  expect(exportMap(root)['./data']).toEqual({ types: './dist/data/index.d.ts', default: './dist/data/index.js' });
});
