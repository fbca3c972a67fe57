import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { findColumn, type Table } from '../table.js';
import { takeRows } from '../take-rows.js';
import { contentVersion, rowHashes } from '../version.js';
import { readTable } from './read.js';
import { golden, testFolder, write } from './testing.fixture.js';

const folder = await testFolder();

function matrixOf(table: Table): number[][] {
  const column = findColumn(table, 'features');
  if (column?.kind !== 'sparse') throw new Error('no sparse column');
  const { starts, indices, values, width } = column;
  return Array.from({ length: table.rows }, (_, row) => {
    const full = new Array<number>(width).fill(0);
    for (let at = starts[row]; at < starts[row + 1]; at++) full[indices[at]] = values[at];
    return full;
  });
}

const labels = (table: Table): number[] => Array.from((findColumn(table, 'label') as { values: Float32Array }).values);

describe('sparse files', async () => {
  const { x, y } = JSON.parse(await readFile(golden('sparse.json'), 'utf8')) as { x: number[][]; y: number[] };

  it('reads what scikit-learn and scipy write', async () => {
    const compressed = await write(folder, 'z.svm.gz', gzipSync(await readFile(golden('sparse.svm'))));
    const ofText = await readTable(golden('sparse.svm'));
    expect(matrixOf(ofText)).toEqual(x);
    expect(labels(ofText)).toEqual(y);
    expect(contentVersion(await readTable(compressed))).toBe(contentVersion(ofText));
    for (const name of ['sparse_csr.npz', 'sparse_csc.npz']) {
      const table = await readTable([golden(name), golden('sparse_label.npy')]);
      expect(matrixOf(table)).toEqual(x);
      expect(Array.from((findColumn(table, 'sparse_label') as { values: Float32Array }).values)).toEqual(y);
    }
    const some = Uint32Array.of(7, 0, 7);
    expect(matrixOf(takeRows(ofText, some))).toEqual([x[7], x[0], x[7]]);
    const hashes = rowHashes(ofText);
    expect(rowHashes(takeRows(ofText, some))).toEqual(BigUint64Array.of(hashes[7], hashes[0], hashes[7]));
  });

  it('counts from 0 where an index is 0, reads several files as one, queries and comments', async () => {
    const one = await write(folder, 'one.libsvm', '# made by hand\n1.5 qid:3 0:1 2:0.25 # first\n\n-1 qid:3\n');
    const two = await write(folder, 'two.libsvm', '2 qid:4 4:-1\r\n');
    const table = await readTable([one, two]);
    expect(matrixOf(table)).toEqual([
      [1, 0, 0.25, 0, 0],
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, -1],
    ]);
    expect(labels(table)).toEqual([1.5, -1, 2]);
    expect(findColumn(table, 'qid')).toMatchObject({ kind: 'number', type: 'integer' });
  });

  it.each([
    ['an index twice', '1 1:1\n1 2:1 2:3\n', 'DATA_SPARSE_INDEX'],
    ['indices that fall', '1 1:1\n1 5:1 2:3\n', 'DATA_SPARSE_INDEX'],
    ['an index beyond all measure', '1 1:1\n1 4294967295:1\n', 'DATA_SPARSE_INDEX'],
    ['an index below 0', '1 1:1\n1 -1:1\n', 'DATA_SPARSE_INDEX'],
    ['a fraction of an index', '1 1:1\n1 1.5:1\n', 'DATA_SPARSE_INDEX'],
    ['NaN', '1 1:1\n1 2:nan\n', 'DATA_SVMLIGHT'],
    ['infinity', '1 1:1\n1 2:1e999\n', 'DATA_SVMLIGHT'],
    ['no pair', '1 1:1\n1 2\n', 'DATA_SVMLIGHT'],
    ['no label', '1 1:1\n2:1\n', 'DATA_SVMLIGHT'],
    ['several labels', '1 1:1\n1,2 2:1\n', 'DATA_SVMLIGHT'],
  ])('refuses %s, with file and line', async (_what, content, code) => {
    const file = await write(folder, 'wrong.svm', content);
    await expect(readTable(file)).rejects.toMatchObject({ code, place: `${file}:2` });
  });

  it('refuses queries of some rows, and files without a value', async () => {
    const some = await write(folder, 'some.svm', '1 qid:1 1:1\n1 2:1\n');
    await expect(readTable(some)).rejects.toMatchObject({ code: 'DATA_SVMLIGHT' });
    await expect(readTable(await write(folder, 'none.svm', '1\n0\n'))).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  });
});
