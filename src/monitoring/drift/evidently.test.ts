import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { measureDrift } from './drift.js';
import { type EvidentlyReport, fromEvidently, toEvidently } from './evidently.js';
import { summaryOfTable } from './source-summary.js';
import { tableOfValues } from './table-of-values.js';

type Columns = Record<string, (number | string)[]>;
const golden = JSON.parse(readFileSync(new URL('./goldens/evidently.json', import.meta.url), 'utf8')) as {
  reference: Columns;
  current: Columns;
  report: EvidentlyReport;
};
const KINDS = [
  { name: 'age', kind: 'number' },
  { name: 'income', kind: 'number' },
  { name: 'city', kind: 'category' },
] as const;
const summary = (columns: Columns) =>
  summaryOfTable(tableOfValues(KINDS, columns.age.length, (name, row) => columns[name][row]));
const report = measureDrift(summary(golden.reference), summary(golden.current), { multivariate: 'none' });

describe('Evidently', () => {
  it('has the p-values that we have, of the same rows', () => {
    const theirs = fromEvidently(golden.report, 'golden');
    for (const { name, pValue } of theirs.features) {
      const ours = report.features.find((each) => each.name === name);
      expect(Math.abs((ours?.pValue ?? 0) - (pValue ?? 1)), name).toBeLessThan(1e-9);
    }
    const moved = (features: readonly { name: string; adjusted: number | null }[]) =>
      features
        .filter(({ adjusted }) => (adjusted ?? 1) <= 0.05)
        .map(({ name }) => name)
        .sort();
    expect(moved(theirs.features)).toEqual(moved(report.features));
  });

  it('gets a report of its own shape, which comes back as it was', () => {
    const written = toEvidently(report);
    expect(written.metrics.map((each) => Object.keys(each))).toEqual(
      golden.report.metrics.map((each) => Object.keys(each)),
    );
    const types = ({ metrics }: EvidentlyReport) => metrics.map(({ config }) => Object.keys(config).sort().join());
    expect(types(written)).toEqual(types(golden.report));
    const back = fromEvidently(written, 'own');
    expect(new Map(back.features.map(({ name, adjusted }) => [name, adjusted]))).toEqual(
      new Map(report.features.map(({ name, adjusted }) => [name, adjusted])),
    );
  });

  it.each([{}, { metrics: [] }, { metrics: [{ config: { type: 'other' }, value: 1 }] }, 7])(
    'refuses %j',
    (document) => {
      expect(() => fromEvidently(document, 'x.json')).toThrow(
        expect.objectContaining({ code: 'EVIDENTLY_INVALID', exitCode: 2 }),
      );
    },
  );
});
