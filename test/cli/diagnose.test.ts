import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';
import { parseWellFormed } from '../well-formed.js';

interface DiagnosisDocument {
  readonly findings: readonly {
    readonly id: string;
    readonly confidence: number;
    readonly patch: readonly { readonly op: string; readonly path: string }[] | null;
    readonly expected: { readonly metric: string; readonly delta: number; readonly interval: [number, number] } | null;
  }[];
  readonly healthy: boolean;
  readonly probes: readonly { readonly kind: string }[];
  readonly applied?: { readonly verdict: string; readonly held: boolean | null; readonly run: string };
}

async function trained(folder: string, changes: Record<string, unknown>): Promise<string> {
  writeCustomers(folder, { objectives: { primary: 'logLoss' }, ...changes });
  const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
  expect(code, stderr).toBe(0);
  return json<TrainDocument>().runs[1].runId;
}

describe('diagnose', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-diagnose-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('finds strengths that are too high, names the one, and mends it', async () => {
    const run = await trained(folder, {
      name: 'too-strong',
      training: { epochs: 20, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
      regularizers: [
        { type: 'l2', strength: 1 },
        { type: 'dropout', strength: 0.1 },
      ],
    });
    const words = ['diagnose', run, '--apply', '--out', 'mended.yaml', '--report', 'findings.html', '--json'];
    const { code, stderr, json } = await ballast(folder, ...words);
    expect(code, stderr).toBe(1);
    const { findings, healthy, applied } = json<DiagnosisDocument>();
    expect(healthy).toBe(false);
    const found = findings.find(({ id }) => id === 'F1');
    expect(found).toMatchObject({ expected: { metric: 'logLoss' } });
    expect(found!.expected!.delta).toBeLessThan(0);
    expect(found!.patch!.map(({ path }) => path)).toContain('/regularizers/0/strength');
    expect(applied).toMatchObject({ verdict: 'helped', held: true });
    const page = parseWellFormed(readFileSync(join(folder, 'findings.html'), 'utf8'));
    const headings = page.filter(({ name }) => name === 'h2').map(({ text }) => text);
    expect(headings.length).toBe(findings.length + 2);
    expect(headings.slice(-2)).toEqual(['Applied', 'Probes']);
    expect(readFileSync(join(folder, 'mended.yaml'), 'utf8')).toContain('l2');
    // What was applied is a run like any other.
    expect((await ballast(folder, 'runs', 'show', applied!.run, '--json')).code).toBe(0);
    expect((await ballast(folder, 'train', 'mended.yaml', '--json')).code).toBe(0);
  });

  test('calls a well regularized run healthy, and reads no holdout', async () => {
    const run = await trained(folder, {
      name: 'well',
      training: { epochs: 30, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
      regularizers: [
        { type: 'weight-decay', strength: 0.3 },
        { type: 'early-stopping', patience: 8 },
      ],
    });
    const { code, stderr, json } = await ballast(folder, 'diagnose', run, '--out', 'none.yaml', '--json');
    const elsewhere = await ballast(folder, 'diagnose', run, '--out', '/elsewhere/spec.yaml', '--json');
    expect(elsewhere.code).toBe(2);
    expect(elsewhere.json<{ error: { place: string } }>().error.place).toBe('--out');
    // There is no change to write, and that loses nothing of the verdict.
    expect(stderr).toContain('none.yaml is not written');
    expect(existsSync(join(folder, 'none.yaml'))).toBe(false);
    expect(json<DiagnosisDocument>().findings.map(({ id }) => id)).toEqual([]);
    expect(code, stderr).toBe(0);
    const evaluated = await ballast(folder, 'evaluate', run, '--holdout', '--json');
    expect(evaluated.json<{ holdoutReads: number }>().holdoutReads).toBe(1);
  });

  test('asks after labels where it is told to: classes that overlap are a note, and no fault', async () => {
    const run = await trained(folder, { name: 'labels', objectives: { primary: 'accuracy' } });
    const { stderr, json } = await ballast(folder, 'diagnose', run, '--no-probes', '--labels', '--json');
    expect(stderr).toContain('labels, fold 5 of 5');
    const found = json<DiagnosisDocument>().findings.find(({ id }) => id === 'suspect-labels');
    expect(found).toMatchObject({ severity: 'note', patch: null });
  });

  test('judges what is recorded alone where no probes are wanted', async () => {
    const run = await trained(folder, { name: 'recorded' });
    const { json } = await ballast(folder, 'diagnose', run, '--no-probes', '--json');
    expect(json<DiagnosisDocument>().probes).toEqual([]);
  });

  test('judges a model from elsewhere by what it answers', async () => {
    const run = await trained(folder, { name: 'elsewhere' });
    const shown = (await ballast(folder, 'runs', 'show', run, '--json')).json<{ artifacts: { path: string }[] }>();
    expect(shown.artifacts.map(({ path }) => path)).toContain('model.onnx');
    const [model] = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>().runs.slice(-1);
    expect(existsSync(model.model)).toBe(true);
    const { code, stderr, json } = await ballast(folder, 'diagnose', model.model, '--data', 'customers.csv', '--json');
    expect([0, 1], stderr).toContain(code);
    // Its manifest travels in its metadata.
    expect(json<DiagnosisDocument>().findings.map(({ id }) => id)).not.toContain('X10');
  });

  test.each([
    [['model.onnx', '--apply'], '--apply'],
    [['model.onnx'], undefined],
    [['0123abcd', '--target', 'plan'], '--target'],
    [['0123abcd', '--data', 'customers.csv'], '--data'],
  ])('refuses %j', async (words, place) => {
    const result = await ballast(folder, 'diagnose', ...words, '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { place?: string } }>().error.place).toBe(place);
  });
});
