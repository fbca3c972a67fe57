import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { customerRows, writeCsv, writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

interface DiagnosisDocument {
  readonly findings: readonly { readonly id: string }[];
  readonly probes: readonly {
    readonly kind: string;
    readonly falsePositives?: readonly { readonly class: string }[];
  }[];
}

describe('diagnose, of single techniques', () => {
  let folder: string;
  let run: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-diagnose-'));
    writeCustomers(folder, {
      name: 'mixed',
      model: { type: 'mlp', hidden: [8, 8], normalization: 'batch' },
      training: { epochs: 4, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
      regularizers: [
        { type: 'dropout', strength: 0.3 },
        { type: 'tabular-augmentation', strength: 0.2 },
      ],
    });
    const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(code, stderr).toBe(0);
    run = json<TrainDocument>().runs[1].runId;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('asks what augmentation costs and whether dropping and batch normalization go together', async () => {
    const { code, stderr, json } = await ballast(folder, 'diagnose', run, '--json');
    expect(code, stderr).toBeLessThan(2);
    const { probes } = json<DiagnosisDocument>();
    const kinds = probes.map(({ kind }) => kind);
    expect(kinds).toEqual(
      expect.arrayContaining([
        'less augmentation',
        'undisturbed statistics',
        'other normalization',
        'without dropping',
      ]),
    );
    const classes = probes.flatMap(({ falsePositives = [] }) => falsePositives.map((each) => each.class));
    expect(new Set(classes)).toEqual(new Set(['gold']));
  });

  test('takes rows of another kind, which need no target, of runs alone', async () => {
    const judged = async (rows: string[][]) => {
      writeCsv(join(folder, 'other.csv'), rows);
      const { code, stderr, json } = await ballast(
        folder,
        ...['diagnose', run, '--no-probes', '--outside', 'other.csv', '--json'],
      );
      expect(code, stderr).toBeLessThan(2);
      return json<DiagnosisDocument>().findings.map(({ id }) => id);
    };
    // Customers ten times as rich as any that it was trained on: all gold, without a doubt.
    const rich = customerRows(300, 7).map((row) => row.with(0, '200').with(1, '60'));
    expect(await judged(rich)).toContain('overconfident-outside');
    // Those in the middle between the classes are doubted, as they should be.
    const unsure = customerRows(300, 7).map((row) => row.with(0, '43').with(1, '3').with(2, 'oslo'));
    expect(await judged(unsure)).not.toContain('overconfident-outside');
    writeFileSync(join(folder, 'model.onnx'), '');
    const { code, stderr } = await ballast(folder, 'diagnose', 'model.onnx', '--outside', 'other.csv');
    expect(code).toBe(2);
    expect(stderr).toContain('--outside');
  });
});
