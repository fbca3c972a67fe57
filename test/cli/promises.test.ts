import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModelFile } from '../../src/graph/format/file.js';
import { int } from '../../src/graph/model.js';
import { derive } from '../../src/numeric/index.js';
import { ballast } from '../support/command.js';
import type { TrainDocument } from '../support/train-document.js';

interface Promised {
  readonly conformal: {
    readonly coverage: { readonly value: { readonly value: number }; readonly holds: boolean; readonly size: number };
    readonly map: { readonly kind: string; readonly widening?: number };
  };
  readonly shift?: { readonly rows: number; readonly effectiveRows: number };
  readonly error?: { readonly code: string };
}

/** y = x + noise that grows with x; rows of the shifted source have larger x. */
function rowsOf(count: number, seed: number, shifted = false): number[][] {
  const random = derive(seed, 'promises');
  return Array.from({ length: count }, () => {
    const x = shifted ? Math.sqrt(random.uniform()) : random.uniform();
    return [x, x - 0.2 * x, x + 0.2 * x, x + x * random.normal(0, 0.5)];
  });
}

const csv = (rows: readonly (readonly number[])[], columns: string): string =>
  `${columns}\n${rows.map((row) => row.map((cell) => cell.toFixed(6)).join(',')).join('\n')}\n`;

describe('calibrate --coverage', () => {
  let folder: string;
  const promise = async (...words: string[]): Promise<Promised & { code: number }> => {
    const { code, stderr, json } = await ballast(folder, 'calibrate', ...words, '--coverage', '0.9', '--json');
    expect([0, 2], stderr).toContain(code);
    return { code, ...json<Promised>() };
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-promises-'));
    writeFileSync(join(folder, 'rows.csv'), csv(rowsOf(800, 1), 'x,low,high,y'));
    writeFileSync(
      join(folder, 'shifted.csv'),
      csv(
        rowsOf(300, 2, true).map(([x]) => [x]),
        'x',
      ),
    );
    const column = ['rows', 1];
    await writeModelFile(
      {
        irVersion: 10,
        opsets: new Map([['', 21]]),
        producer: { name: 'test', version: '1' },
        metadata: new Map(),
        graph: {
          name: 'bands',
          inputs: [{ name: 'bands', type: 'float32', shape: ['rows', 2] }],
          outputs: ['low', 'high'].map((name) => ({ name, type: 'float32' as const, shape: column })),
          initializers: new Map(),
          nodes: [
            {
              name: 'split',
              opType: 'Split',
              domain: '',
              inputs: ['bands'],
              outputs: ['low', 'high'],
              attributes: { axis: int(1), num_outputs: int(2) },
            },
          ],
          valueInfo: new Map(),
        },
      },
      join(folder, 'bands.onnx'),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('widens predicted quantiles in their place until they hold', async () => {
    const words = ['bands.onnx', '--data', 'rows.csv', '--target', 'y', '--task', 'regression'];
    const input = ['--input', 'bands=low+high'];
    const { conformal } = await promise(...words, ...input, '--quantiles', 'low,high', '--out', 'wide.onnx');
    expect(conformal.map).toMatchObject({ kind: 'quantile' });
    expect(conformal.coverage.holds).toBe(true);
    const session = await InferenceSession.create(join(folder, 'wide.onnx'));
    const answers = await session.run({ bands: new Tensor('float32', Float32Array.of(1, 2), [1, 2]) });
    expect(answers.low.data[0]).toBeCloseTo(1 - conformal.map.widening!, 5);
    expect(answers.high.data[0]).toBeCloseTo(2 + conformal.map.widening!, 5);
    const clash = await promise(...words, ...input, '--quantiles', 'low,high', '--output', 'low:predictions');
    expect(clash).toMatchObject({ code: 2, error: { code: 'USAGE' } });
  });

  test('weighs rows towards shifted ones, and scales by the deviation that a model says', async () => {
    const spec = {
      name: 'growing-noise',
      data: {
        source: 'rows.csv',
        target: 'y',
        features: { exclude: ['low', 'high'] },
        split: { validation: 0.4, holdout: 0.2 },
      },
      task: 'regression',
      model: { type: 'mlp', hidden: [8] },
      training: { epochs: 5, batchSize: 64 },
      regularizers: [{ type: 'weight-decay', strength: 0.01 }, { type: 'laplace' }],
    };
    writeFileSync(join(folder, 'spec.yaml'), JSON.stringify(spec));
    const trained = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    const run = trained.json<TrainDocument>().runs[1].runId;
    const plain = await promise(run, '--out', 'plain.onnx');
    const shifted = await promise(run, '--shifted', 'shifted.csv', '--out', 'shifted.onnx');
    expect(shifted.shift?.rows).toBe(300);
    expect(shifted.shift?.effectiveRows).toBeLessThan(320);
    // Shifted rows are noisier: the same share of them takes wider intervals.
    expect(shifted.conformal.coverage.size).toBeGreaterThan(1.1 * plain.conformal.coverage.size);
    const scaled = await promise(run, '--intervals', 'scaled', '--out', 'scaled.onnx');
    expect(scaled.conformal.map.kind).toBe('scaled');
    const unsure = await promise(trained.json<TrainDocument>().runs[0].runId, '--intervals', 'scaled');
    expect(unsure.error?.code).toBe('CONFORMAL_DEVIATION');
    const missing = await ballast(folder, 'calibrate', run, '--shifted', 'shifted.csv', '--json');
    expect(missing.code).toBe(2);
  });
});
