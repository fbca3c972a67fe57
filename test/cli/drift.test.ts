import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { CUSTOMER_COLUMNS, customerRows, writeCsv } from '../support/small-data.js';

interface DriftDocument {
  readonly drifted: boolean;
  readonly features: readonly { name: string; test: string; statistic: number; drifted: boolean; adjusted: number }[];
  readonly predictions?: readonly { name: string; drifted: boolean }[];
  readonly columns: { onlyReference: string[]; skipped: Record<string, string> };
  readonly error?: { code: string };
}

describe('ballast drift', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-drift-'));
    writeCsv(join(folder, 'before.csv'), customerRows(600, 1));
    writeCsv(join(folder, 'same.csv'), customerRows(500, 2));
    const older = customerRows(500, 3).map(([age, ...rest]) => [age === '' ? '' : String(Number(age) + 8), ...rest]);
    writeCsv(join(folder, 'older.csv'), older);
    writeCsv(
      join(folder, 'narrow.csv'),
      customerRows(300, 4).map((row) => row.slice(1)),
      CUSTOMER_COLUMNS.slice(1),
    );
    writeFileSync(join(folder, 'empty.csv'), `${CUSTOMER_COLUMNS.join(',')}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const drift = async (...words: string[]): Promise<DriftDocument & { code: number }> => {
    const { code, json, stderr } = await ballast(folder, 'drift', ...words, '--json');
    expect([0, 1, 2], stderr).toContain(code);
    return { code, ...json<DriftDocument>() };
  };

  test('is silent where nothing changed, and names what did', async () => {
    const same = await drift('before.csv', 'same.csv', '--exclude', 'household');
    expect(same).toMatchObject({ code: 0, drifted: false, columns: { skipped: { day: 'time is not compared' } } });
    const older = await drift('before.csv', 'older.csv', '--predictions', 'spent,plan', '--exclude', 'household');
    expect(older).toMatchObject({ code: 1, drifted: true });
    expect(older.features.filter(({ drifted }) => drifted).map(({ name }) => name)).toEqual(['age']);
    expect(older.predictions?.map(({ name }) => name).sort()).toEqual(['plan', 'spent']);
    const text = await ballast(folder, 'drift', 'before.csv', 'older.csv', '--columns', 'age,city');
    expect(text.stdout).toMatch(/age +ks .*drifted/);
    expect(text.stdout).toMatch(/1 of 2 columns drifted/);
    const narrow = await drift('before.csv', 'narrow.csv', '--exclude', 'household', '--multivariate', 'mmd');
    expect(narrow).toMatchObject({ code: 1, columns: { onlyReference: ['age'] } });
  });

  test('writes and reads reports as Evidently has them', async () => {
    await drift('before.csv', 'older.csv', '--exclude', 'household', '--evidently', 'report.json');
    const read = await drift('report.json');
    expect(read).toMatchObject({ code: 1, drifted: true });
    expect(read.features[0].name).toBe('age');
    writeFileSync(join(folder, 'other.json'), '{"metrics": []}');
    expect(await drift('other.json')).toMatchObject({ code: 2, error: { code: 'EVIDENTLY_INVALID' } });
  });

  test('says of files that are read once what it says of those that are held, within what a sketch is right to', async () => {
    const columns = ['x', 'late', 'kind', 'id', 'flag', 'day'];
    const rows = (count: number, shift: number): string[][] =>
      Array.from({ length: count }, (_, i) => [
        String(((i * 7919) % 9973) / 100 + shift),
        // Empty as far as types are inferred from.
        i < 21_000 ? '' : String(i % 50),
        `k${(i * i) % 7}`,
        `row ${i} ${shift}`,
        String(i % 3 === 0),
        `2026-01-${String((i % 28) + 1).padStart(2, '0')}`,
      ]);
    writeCsv(join(folder, 'large.csv'), rows(30_000, 0), columns);
    writeCsv(join(folder, 'moved.csv'), rows(26_000, 20), columns);
    const held = await drift('large.csv', 'moved.csv', '--multivariate', 'none');
    const once = await drift('large.csv', 'moved.csv', '--multivariate', 'none', '--held-bytes', '0');
    expect(once).toMatchObject({ code: 1, columns: held.columns });
    expect(once.columns.skipped).toEqual({ id: 'text is not compared', day: 'time is not compared' });
    const told = ({ features }: DriftDocument) => new Map(features.map((each) => [each.name, each] as const));
    expect([...told(once).keys()].sort()).toEqual(['flag', 'kind', 'late', 'x']);
    for (const [name, { test: used, statistic, drifted }] of told(held)) {
      const other = told(once).get(name);
      expect([other?.test, other?.drifted], name).toEqual([used, drifted]);
      expect(Math.abs((other?.statistic ?? 9) - statistic), name).toBeLessThan(used === 'ks' ? 0.003 : 1e-9);
    }
  });

  test('says of JSON lines that are read once what it says of the same rows as CSV', async () => {
    const columns = ['x', 'late', 'kind', 'flag'];
    const rows = (count: number, shift: number) =>
      Array.from({ length: count }, (_, i) => [
        ((i * 7919) % 9973) / 100 + shift,
        i < 3000 ? null : i % 50,
        `k${i % 7}`,
        i % 3 === 0,
      ]);
    for (const [name, found] of [
      ['was', rows(6000, 0)],
      ['is', rows(5000, 20)],
    ] as const) {
      writeCsv(
        join(folder, `${name}.csv`),
        found.map((row) => row.map((value) => (value === null ? '' : String(value)))),
        columns,
      );
      const lines = found.map((row) =>
        JSON.stringify(Object.fromEntries(columns.map((column, i) => [column, row[i]]))),
      );
      writeFileSync(join(folder, `${name}.jsonl`), `${lines.join('\n')}\n`);
    }
    const words = ['--multivariate', 'none', '--held-bytes', '0'];
    const csv = await drift('was.csv', 'is.csv', ...words);
    const json = await drift('was.jsonl', 'is.jsonl', ...words);
    expect(json.columns).toEqual(csv.columns);
    const of = ({ features }: DriftDocument) =>
      features.map(({ name, test: used, drifted }) => `${name} ${used} ${drifted}`).sort();
    expect(of(json)).toEqual(of(csv));
    expect(of(json)).toContain('x ks true');
    writeFileSync(join(folder, 'broken.jsonl'), '{"x": 1}\nnot json\n');
    expect(await drift('was.jsonl', 'broken.jsonl', ...words)).toMatchObject({ code: 2 });
  });

  test('refuses what cannot be compared', async () => {
    expect(await drift('before.csv', 'empty.csv')).toMatchObject({ code: 2 });
    expect(await drift('before.csv', 'same.csv', '--columns', 'height')).toMatchObject({
      code: 2,
      error: { code: 'DRIFT_COLUMN' },
    });
    expect(await drift('before.csv', 'absent.csv')).toMatchObject({ code: 2 });
    expect(await drift('before.csv', 'same.csv', '--fdr', '2')).toMatchObject({ code: 2 });
  });
});
