import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleComparison, exampleFigure, exampleInput, exampleRegression } from '../../test/train-report-example.js';
import { type CheckedElement, parseWellFormed } from '../../test/well-formed.js';
import { trainReport } from './train-report.js';
import type { TrainReportInput } from './train-report-input.js';

function headings(elements: readonly CheckedElement[]): string[] {
  return elements.filter(({ name }) => name === 'h2').map(({ text }) => text);
}

function textOf(elements: readonly CheckedElement[]): string {
  return elements.map(({ text }) => text).join('\n');
}

function withDifference(value: number, half: number): TrainReportInput {
  return { ...exampleInput(), comparison: exampleComparison('accuracy', exampleFigure(value, half)) };
}

describe('trainReport', () => {
  it('has a section for every part of a classification', () => {
    expect(headings(parseWellFormed(trainReport(exampleInput())))).toEqual([
      'Figures',
      'Learning curves',
      'Gap',
      'Seeds',
      'Calibration',
      'Errors',
      'Classes',
      'Slices',
      'Fairness',
      'Weights',
      'Regularizers',
      'Data',
      'Reproduce',
    ]);
  });

  it('shows residuals and no calibration for a regression', () => {
    const elements = parseWellFormed(trainReport(exampleRegression()));
    expect(headings(elements)).not.toContain('Calibration');
    expect(textOf(elements)).toContain('Residuals, model');
    expect(textOf(elements)).toContain('Validation RMSE is 21.3 lower than the unregularized baseline');
  });

  it('answers before anything else: verdict, gap, calibration, model file', () => {
    const html = trainReport(exampleInput());
    const first = html.slice(html.indexOf('<main>'), html.indexOf('<nav'));
    for (const answer of [
      'Regularization helped',
      'Validation accuracy is 4.9\u00a0pts higher than the unregularized baseline (95% interval 2.4 to 7.4\u00a0pts).',
      'shrank from 11.2\u00a0pts to 3.2\u00a0pts',
      'Well calibrated: below 5%.',
      '.ballast/runs/01JD9ZK4T7M2/model.onnx',
      '202\u00a0KiB',
    ]) {
      expect(first).toContain(answer);
    }
  });

  it('says when it hurt, and when nothing can be said', () => {
    expect(trainReport(withDifference(-0.03, 0.01))).toContain(
      'Validation accuracy is 3.0\u00a0pts lower than the unregularized baseline (95% interval 2.0 to 4.0\u00a0pts).',
    );
    expect(trainReport(withDifference(0.004, 0.02))).toContain(
      'differs by 0.40\u00a0pts from the unregularized baseline; the 95% interval, \u22121.6 to 2.4\u00a0pts',
    );
  });

  it('lists every regularizer with strength and options, also what nobody declared', () => {
    const text = textOf(parseWellFormed(trainReport(exampleInput())));
    for (const part of ['dropout', 'mode: element', '0.0001', 'patience: 5', 'normalization', 'gradient clipping']) {
      expect(text).toContain(part);
    }
  });

  it('says how to do it again', () => {
    const input = exampleInput();
    const text = textOf(parseWellFormed(trainReport(input)));
    for (const { runId } of input.runs) expect(text).toContain(`ballast runs reproduce ${runId}`);
    expect(text).toContain(input.spec);
  });

  it('needs nothing from outside and runs no script', () => {
    const html = trainReport(exampleInput());
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|<script|<link|<img|<iframe|@import|url\(/i,
    );
    const policy = parseWellFormed(html).find(({ attributes }) => attributes.has('http-equiv'));
    expect(policy?.attributes.get('content')).toContain("default-src 'none'");
  });

  it('escapes every name from outside', () => {
    const hostile = `</style><script>alert(1)</script>"'&\u0000`;
    const example = exampleInput([hostile, 'b', 'c']);
    const elements = parseWellFormed(trainReport(rename(example, hostile)));
    const names = new Set(elements.map(({ name }) => name));
    expect(names.has('script')).toBe(false);
    for (const { attributes } of elements)
      expect([...attributes.keys()].some((key) => key.startsWith('on'))).toBe(false);
  });

  it('is complete without a baseline, without a model, without history and without anything', () => {
    const { comparison: _comparison, seeds: _seeds, ledgers: _ledgers, ...input } = exampleInput();
    const [baseline, model] = input.runs;
    const bare = { ...model!.train, rows: 0, metrics: {}, perClass: {}, slices: [], reliability: [] };
    const empty = { ...model!, history: [], weights: [], train: bare, validation: bare };
    for (const runs of [[model!], [baseline!], [empty], []]) {
      const text = textOf(parseWellFormed(trainReport({ ...input, runs, dataset: { ...input.dataset, columns: [] } })));
      expect(text).toContain('No comparison');
      expect(text).not.toMatch(/undefined|NaN/);
    }
  });

  it('stays well-formed whatever the numbers', () => {
    const hostile = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, 1e308, 5e-324));
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 7, maxLength: 7 }), (numbers) => {
        let next = 0;
        const html = trainReport(
          mapNumbers(exampleInput(['a', 'b', 'c']), () => numbers[next++ % numbers.length]!) as TrainReportInput,
        );
        parseWellFormed(html);
      }),
      { numRuns: 25 },
    );
  });

  it('stays readable in size for a thousand epochs and a hundred classes', () => {
    const input = exampleInput(Array.from({ length: 100 }, (_, index) => `class ${index}`));
    const runs = input.runs.map((run) => ({
      ...run,
      history: Array.from({ length: 1000 }, (_, index) => ({ ...run.history[index % 30]!, epoch: index + 1 })),
    }));
    expect(trainReport({ ...input, runs }).length).toBeLessThan(1_500_000);
  });
});

/** Puts `name` wherever a name from outside may stand. */
function rename(input: TrainReportInput, name: string): TrainReportInput {
  const { dataset, runs } = input;
  return {
    ...input,
    title: name,
    command: name,
    spec: name,
    task: name,
    dataset: {
      ...dataset,
      name,
      version: name,
      columns: [{ name, role: name, type: name }],
      findings: [{ severity: 'warning', message: name, remedy: name }],
    },
    runs: runs.map((run) => ({
      ...run,
      runId: name,
      regularizerId: name,
      modelPath: name,
      weights: run.weights.map((weights) => ({ ...weights, name })),
      validation: { ...run.validation, metrics: { ...run.validation.metrics, [name]: exampleFigure(1, 2, name) } },
      manifest: {
        ...run.manifest,
        regularizers: [{ type: name, hooks: [name], strength: 1, options: { [name]: name } }],
      },
    })),
    environment: { hardware: name, runtime: name, threads: 1, versions: { [name]: name } },
  };
}

function mapNumbers(value: unknown, replace: () => number): unknown {
  if (typeof value === 'number') return replace();
  if (Array.isArray(value)) return value.map((item) => mapNumbers(item, replace));
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapNumbers(item, replace)]));
}
