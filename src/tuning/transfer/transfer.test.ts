import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRun } from '../../../test/contracts/store/subject.js';
import { openStore, type Store } from '../../store/index.js';
import { parseCsv, runsInCsv } from './csv-import.js';
import { recordForeignRun } from './imported-run.js';
import { recordsInLog } from './wandb-log.js';

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-transfer-'));
  store = await openStore(join(folder, 'store'));
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function csv(text: string): Promise<string> {
  const path = join(folder, 'runs.csv');
  await writeFile(path, text);
  return path;
}

describe('runs in CSV', () => {
  test('are a row each, or with steps a point each, and are imported once', async () => {
    const path = await csv(
      'run,step,loss,optimizer,param.depth,tag.by\na,0,1,adam,3,"x, y"\na,1,nan,adam,3,\nb,0,2,sgd,4,z\n',
    );
    const [a, b] = await runsInCsv(path, 'tables');
    expect(a).toMatchObject({
      name: 'a',
      params: { optimizer: 'adam', depth: '3' },
      tags: { by: 'x, y' },
      metrics: [
        { name: 'loss', value: 1, step: 0 },
        { name: 'loss', value: Number.NaN, step: 1 },
      ],
    });
    const first = await recordForeignRun(store, a!);
    expect(await recordForeignRun(store, a!)).toEqual({ id: first.id, isNew: false });
    expect((await recordForeignRun(store, b!)).isNew).toBe(true);
    expect(await store.getRun(first.id)).toMatchObject({ experiment: 'tables', kind: 'logged', status: 'finished' });
    await expect(store.getParams(first.id)).resolves.toEqual({ depth: '3', optimizer: 'adam' });
  });

  test.each([
    ['a,b\n1,2\n', 'IMPORT_COLUMNS'],
    ['run,a\nx\n', 'IMPORT_ROW'],
    ['run,step\nx,1.5\n', 'IMPORT_ROW'],
    ['run,metric.a\nx,many\n', 'IMPORT_ROW'],
    ['run,a\nx,"y"z\n', 'IMPORT_ROW'],
  ])('that are malformed are refused: %j', async (text, code) => {
    await expect(runsInCsv(await csv(text), 'x')).rejects.toMatchObject({ code, exitCode: 2 });
  });

  test('any cells come back as they were written', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'ü') });
    const rows = fc.array(fc.tuple(cell, cell), { minLength: 1 });
    fc.assert(
      fc.property(rows, (cells) => {
        const text = cells.map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(',')).join('\n');
        expect(parseCsv(text)).toEqual(cells);
      }),
    );
  });
});

describe('the log of a W&B run', () => {
  /** Writes records as the log's format says, cut at the ends of its blocks. */
  function written(records: readonly Uint8Array[]): Buffer {
    const out: Buffer[] = [Buffer.from([...Buffer.from(':W&B'), 0xe1, 0xbe, 0])];
    let at = 7;
    const push = (piece: Buffer): void => {
      out.push(piece);
      at += piece.length;
    };
    for (const record of records) {
      let from = 0;
      do {
        let left = 32_768 - (at % 32_768);
        if (left < 7) {
          push(Buffer.alloc(left));
          left = 32_768;
        }
        const length = Math.min(left - 7, record.length - from);
        const [first, last] = [from === 0, from + length === record.length];
        const header = Buffer.alloc(7);
        header.writeUInt16LE(length, 4);
        header.writeUInt8(first ? (last ? 1 : 2) : last ? 4 : 3, 6);
        push(Buffer.concat([header, record.subarray(from, from + length)]));
        from += length;
      } while (from < record.length);
    }
    return Buffer.concat(out);
  }

  test('gives any records back, whatever blocks they cross', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 80_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const records = lengths.map((length, i) => Buffer.alloc(length, i + 1));
        const found = [...recordsInLog(written(records), 'log')];
        expect(found.map((each) => [each.length, each[0], each.at(-1)])).toEqual(
          records.map((each, i) => [each.length, i + 1, i + 1]),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('that was cut off ends with the last whole record, and another file is refused', () => {
    const log = written([Buffer.alloc(100, 1), Buffer.alloc(50_000, 2)]);
    expect([...recordsInLog(log.subarray(0, 40_000), 'log')]).toHaveLength(1);
    expect(() => [...recordsInLog(Buffer.from('not a log'), 'log')]).toThrow('no log of a W&B run');
  });
});

test('what is imported is diagnosed like what is logged', async () => {
  const own = await store.createRun(newRun());
  await store.finishRun(own, 'finished');
  const path = await csv('run,step,accuracy,val_accuracy\nover,0,0.9,0.7\nover,1,1,0.7\n');
  const [run] = await runsInCsv(path, 'diagnosed');
  const { id } = await recordForeignRun(store, run!);
  expect((await store.searchRuns({ filter: 'metrics.val_accuracy < 0.8' })).runs.map((found) => found.id)).toEqual([
    id,
  ]);
});
