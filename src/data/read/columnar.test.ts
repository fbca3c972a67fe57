import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readTable } from './read.js';
import { column, expectedValues, failure, golden, testFolder, valuesOf, write } from './testing.fixture.js';

const folder = await testFolder();
const { table: expected } = await expectedValues<{ table: Record<string, unknown[]> }>();

describe('Parquet', () => {
  it('reads what pandas wrote', async () => {
    const table = await readTable(golden('table.parquet'));
    for (const [name, values] of Object.entries(expected)) expect(valuesOf(table, name), name).toEqual(values);
    expect(column(table, 'single')).toMatchObject({ type: 'float', values: expect.any(Float32Array) as unknown });
    expect(column(table, 'double')).toMatchObject({ type: 'float', values: expect.any(Float64Array) as unknown });
    expect(column(table, 'vector')).toMatchObject({ kind: 'array', content: 'features', shape: [2] });
    expect(column(table, 'flag')).toMatchObject({ kind: 'number', type: 'boolean' });
  });

  it('takes types that are given', async () => {
    const columns = { whole: 'category', when: 'text', flag: 'category', single: 'number' } as const;
    const table = await readTable(golden('table.parquet'), { columns });
    expect(valuesOf(table, 'whole')).toEqual(['1', null, '3', '-4']);
    expect(valuesOf(table, 'when')[1]).toBe('1969-12-31 00:00:00');
    const error = await failure(readTable(golden('table.parquet'), { columns: { double: 'integer' } }));
    expect(error.code).toBe('DATA_TYPE');
  });

  it('names a truncated file and one that is none', async () => {
    const bytes = await readFile(golden('table.parquet'));
    for (const content of [bytes.subarray(0, 3000), bytes.subarray(500), Buffer.from('no'), Buffer.alloc(0)]) {
      const error = await failure(readTable(await write(folder, 'bad.parquet', content)));
      expect(error.code).toBe('DATA_CORRUPT');
      expect(error.place).toContain('bad.parquet');
    }
  });

  it('names a file whose pages are damaged', async () => {
    const bytes = Buffer.from(await readFile(golden('table.parquet')));
    bytes.fill(0xff, 4, 400);
    const error = await failure(readTable(await write(folder, 'damaged.parquet', bytes)));
    expect(error.exitCode).toBe(2);
    expect(error.place).toContain('damaged.parquet');
  });
});

describe('JSON lines', () => {
  it('reads what pandas wrote', async () => {
    for (const path of [
      golden('table.jsonl'),
      await write(folder, 'table.ndjson.gz', gzipSync(await readFile(golden('table.jsonl')))),
    ]) {
      const table = await readTable(path);
      for (const name of ['whole', 'wide', 'single', 'double', 'flag', 'city', 'when', 'zoned', 'vector']) {
        expect(valuesOf(table, name), name).toEqual(expected[name]);
      }
    }
  });

  it('takes a key that is lacking for a missing value, also where it first comes late', async () => {
    const lines = Array.from({ length: 25_000 }, (_, i) =>
      JSON.stringify(i < 24_000 ? { a: i } : { a: i + 0.5, b: `x${i % 2}` }),
    );
    const table = await readTable(await write(folder, 'late.jsonl', lines.join('\n')));
    expect(table.rows).toBe(25_000);
    expect(valuesOf(table, 'a')[24_999]).toBe(24_999.5);
    expect(valuesOf(table, 'b').slice(23_999, 24_002)).toEqual([null, 'x0', 'x1']);
  });

  it('refuses nested columns, unless they are to be text', async () => {
    const path = await write(folder, 'nested.jsonl', '{"a":1,"b":{"c":2}}\n{"a":2,"b":{"c":3}}\n');
    expect((await failure(readTable(path))).code).toBe('DATA_TYPE_UNSUPPORTED');
    const table = await readTable(path, { columns: { b: 'text' } });
    expect(valuesOf(table, 'b')).toEqual(["{'c': 2}", "{'c': 3}"]);
    const ragged = await write(folder, 'lists.jsonl', '{"a":[1,2]}\n{"a":[3]}\n');
    expect((await failure(readTable(ragged))).code).toBe('DATA_TYPE_UNSUPPORTED');
  });

  it('names what is no JSON, and an empty file', async () => {
    const error = await failure(readTable(await write(folder, 'bad.jsonl', '{"a":1}\n{"a":\n')));
    expect(error.code).toBe('DATA_JSON');
    expect(error.place).toMatch(/bad\.jsonl line 2$/);
    const list = await failure(readTable(await write(folder, 'list.jsonl', '{"a":1}\n[1,2]\n')));
    expect(list.describe()).toMatch(/a line is JSON, but no object/);
    expect((await failure(readTable(await write(folder, 'none.jsonl', '')))).code).toBe('DATA_EMPTY');
  });
});
