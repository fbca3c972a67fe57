import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readTable } from './read.js';
import { failure, testFolder, valuesOf, write } from './testing.fixture.js';

const folder = await testFolder();

it('reads lines', async () => {
  const text = 'one line\n\r\n  \nanother\r\nlast';
  for (const path of [await write(folder, 'a.txt', text), await write(folder, 'b.txt.gz', gzipSync(text))]) {
    expect(valuesOf(await readTable(path), 'text')).toEqual(['one line', 'another', 'last']);
  }
});

it('reads windows of whole characters', async () => {
  const path = await write(folder, 'c.txt', 'abcdefgh');
  const window = (length: number, stride?: number) =>
    readTable(path, { text: { unit: 'window', length, ...(stride === undefined ? {} : { stride }) } }).then((table) =>
      valuesOf(table, 'text'),
    );
  expect(await window(3)).toEqual(['abc', 'def']);
  expect(await window(4, 2)).toEqual(['abcd', 'cdef', 'efgh']);
  expect(await window(20)).toEqual(['abcdefgh']);
  const faces = await write(folder, 'd.txt', '\u{1f600}b\u{1f601}d');
  expect(valuesOf(await readTable(faces, { text: { unit: 'window', length: 2 } }), 'text')).toEqual([
    '\u{1f600}b',
    '\u{1f601}d',
  ]);
  expect((await failure(readTable(path, { text: { unit: 'window' } }))).code).toBe('DATA_TEXT_WINDOW');
});

it('reads documents with the folders they are in', async () => {
  const documents = await testFolder();
  for (const name of ['ham', 'spam']) await mkdir(join(documents, name));
  await write(join(documents, 'ham'), '1.txt', 'hello\nyou');
  await write(join(documents, 'spam'), '2.txt', 'win\na prize');
  const table = await readTable(documents, { text: { unit: 'document' } });
  expect(valuesOf(table, 'text')).toEqual(['hello\nyou', 'win\na prize']);
  expect(valuesOf(table, 'label')).toEqual(['ham', 'spam']);
  expect(valuesOf(await readTable(documents), 'label')).toEqual(['ham', 'ham', 'spam', 'spam']);
});

it('names text that is not UTF-8, and no text', async () => {
  expect((await failure(readTable(await write(folder, 'e.txt', Buffer.from([0x63, 0xe9]))))).code).toBe(
    'DATA_ENCODING',
  );
  expect((await failure(readTable(await write(folder, 'f.txt', '\n\n')))).code).toBe('DATA_EMPTY');
});
