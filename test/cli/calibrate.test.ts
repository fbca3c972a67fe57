import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derive } from '../../src/numeric/index.js';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

interface CalibrationDocument {
  readonly method: string;
  readonly before: Record<string, { value: number; interval: [number, number] }>;
  readonly after: Record<string, { value: number; interval: [number, number] }>;
  readonly model: string | null;
}

const DATASETS = process.env.BALLAST_DATASETS;

/** One row of a table as a model of raw columns takes it. */
function feedsOf(
  session: InferenceSession,
  names: readonly string[],
  cells: readonly string[],
): Record<string, Tensor> {
  return Object.fromEntries(
    session.inputMetadata.map((input) => {
      const cell = cells[names.indexOf(input.name)];
      const type = input.isTensor ? input.type : 'string';
      const value =
        type === 'string'
          ? new Tensor('string', [cell], [1, 1])
          : type === 'int64'
            ? new Tensor('int64', BigInt64Array.of(BigInt(cell)), [1, 1])
            : new Tensor('float32', Float32Array.of(Number(cell)), [1, 1]);
      return [input.name, value];
    }),
  );
}

describe('calibrate', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-calibrate-'));
    writeCustomers(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('calibrates a run on its validation rows, and writes a model that evaluates by itself', async () => {
    const trained = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    const { code, stderr, json } = await ballast(
      folder,
      'calibrate',
      trained.runs[1].runId,
      '--out',
      'calibrated.onnx',
      '--plot',
      'reliability.svg',
      '--json',
    );
    expect(code, stderr).toBe(0);
    const { before, after, model } = json<CalibrationDocument>();
    expect(model).toBe('calibrated.onnx');
    for (const figures of [before, after]) {
      expect(Object.keys(figures)).toEqual(['ece', 'logLoss', 'brier']);
      for (const { value, interval } of Object.values(figures)) {
        expect(interval[0]).toBeLessThanOrEqual(value);
        expect(interval[1]).toBeGreaterThanOrEqual(value);
      }
    }
    expect(readFileSync(join(folder, 'reliability.svg'), 'utf8')).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
    // Whatever the model says is calibrated: its probabilities are those of its logits.
    const session = await InferenceSession.create(join(folder, 'calibrated.onnx'));
    const [header, first] = readFileSync(join(folder, 'customers.csv'), 'utf8').split('\n');
    const feeds = feedsOf(session, header.split(','), first.split(','));
    const answered = await session.run(feeds);
    const logits = Array.from(answered.logits.data as Float32Array);
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    logits.forEach((z, k) => {
      expect(Number(answered.probabilities.data[k])).toBeCloseTo(Math.exp(z) / total, 5);
    });
    const raw = await InferenceSession.create(trained.runs[1].model);
    expect((await raw.run(feeds)).probabilities.data).not.toEqual(answered.probabilities.data);
    const evaluated = await ballast(folder, 'evaluate', 'calibrated.onnx', '--data', 'customers.csv', '--json');
    expect(evaluated.code, evaluated.stderr).toBe(0);
    // The file is calibrated once more from itself: its temperature is then about 1.
    const again = await ballast(folder, 'calibrate', 'calibrated.onnx', '--data', 'customers.csv', '--json');
    expect(again.code, again.stderr).toBe(0);
    expect(existsSync(join(folder, 'calibrated.calibrated.onnx'))).toBe(true);
  });

  test('takes probabilities out of a CSV file, a column a class', async () => {
    const stream = derive(5, 'calibrate-csv');
    const lines = Array.from({ length: 400 }, () => {
      const z = [4 * stream.normal(), 4 * stream.normal()];
      const p = 1 / (1 + Math.exp(z[0] - z[1]));
      const truth = stream.uniform() < 1 / (1 + Math.exp((z[0] - z[1]) / 4)) ? 'yes' : 'no';
      return `${1 - p},${p},${truth}`;
    });
    writeFileSync(join(folder, 'p.csv'), ['no,yes,label', ...lines].join('\n'));
    const { code, stderr, json } = await ballast(folder, 'calibrate', '--probabilities', 'p.csv', '--json');
    expect(code, stderr).toBe(0);
    const { before, after, model } = json<CalibrationDocument>();
    expect(model).toBeNull();
    expect(after.logLoss.value).toBeLessThan(before.logLoss.value - 0.2);
    expect(after.ece.value).toBeLessThan(before.ece.value);
  });

  test.each([
    ['a column that does not sum to 1', 'a,b,label\n0.5,0.9,0\n', 'EVALUATION_NOT_PROBABILITY'],
    ['labels out of range', `a,b,label\n${'0.5,0.5,7\n'.repeat(30)}`, 'CALIBRATE_LABELS'],
    ['one class only', `a,b,label\n${'0.4,0.6,1\n'.repeat(30)}`, 'CALIBRATION_ONE_CLASS'],
    ['ten rows', `a,b,label\n${'0.4,0.6,1\n0.7,0.3,0\n'.repeat(5)}`, 'CALIBRATION_ROWS'],
    [
      'a score among probabilities',
      `a,b,label\n1.5,-0.5,0\n${'0.4,0.6,1\n0.7,0.3,0\n'.repeat(30)}`,
      'CALIBRATE_SCORES',
    ],
    ['no labels', `a,b\n${'0.4,0.6\n'.repeat(30)}`, 'CALIBRATE_LABELS'],
  ])('refuses %s', async (_title, text, code) => {
    writeFileSync(join(folder, 'wrong.csv'), text);
    const result = await ballast(folder, 'calibrate', '--probabilities', 'wrong.csv', '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe(code);
  });

  test.each([
    [['--probabilities', 'p.csv', '--out', 'm.onnx'], '--out'],
    [['--probabilities', 'p.csv', '--data', 'customers.csv'], '--data'],
    [['--probabilities', 'p.csv', '--sets', 'aps'], '--sets'],
    [['0123abcd', '--target', 'y'], '--target'],
  ])('refuses an option without effect: %j', async (words, place) => {
    const result = await ballast(folder, 'calibrate', ...words, '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string; place: string } }>().error).toMatchObject({ code: 'USAGE', place });
  });

  test.skipIf(DATASETS === undefined)(
    'brings a WideResNet on CIFAR-10 from an error of 5.4 % under 1.5 % by its temperature',
    async () => {
      const file = join(DATASETS ?? '', 'calibration-cifar10', 'wideresnet-16-4-cifar-10.npz');
      const { json } = await ballast(folder, 'calibrate', '--probabilities', file, '--method', 'temperature', '--json');
      const { before, after } = json<CalibrationDocument>();
      expect(before.ece.value).toBeCloseTo(0.0537, 3);
      expect(after.ece.value).toBeLessThan(0.015);
    },
  );
});
