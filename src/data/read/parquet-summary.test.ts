import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REST, summarizeParquet } from './parquet-summary.js';

describe('summarizeParquet', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-parquet-'));
    file = join(folder, 'rows.parquet');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(`COPY (SELECT CASE WHEN i % 10 = 0 THEN NULL ELSE i / 4.0 END AS x, i AS n, 'c' || (i % 2000) AS many,
      i % 3 = 0 AS flag, TIMESTAMP '2024-01-01' AS at FROM range(30000) t(i)) TO '${file}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps quantiles, counts, what is missing and a sample', async () => {
    const { rows, numbers, categories, others, sample } = await summarizeParquet([file], 'rows', { sampleRows: 500 });
    expect(rows).toBe(30_000);
    const x = numbers.get('x');
    expect(x?.missing).toBe(3000);
    expect(x?.sketch.count).toBe(27_000);
    const { values, weights } = numbers.get('n')!.sketch.weighted();
    let below = 0;
    values.forEach((value, i) => {
      below += weights[i];
      expect(Math.abs(below - value) / rows).toBeLessThan(numbers.get('n')!.sketch.rankError + 0.001);
    });
    expect(categories.get('flag')?.counts.get('true')).toBe(10_000);
    const many = categories.get('many')!.counts;
    expect(many.size).toBe(1001);
    expect(many.get(REST)).toBe(15_000);
    expect(others.get('at')).toBe('time');
    expect(sample.rows).toBe(500);
  });
});
