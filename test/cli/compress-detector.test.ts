import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModel } from '../../src/graph/format/encode.js';
import { readModelFile } from '../../src/graph/format/file.js';
import { ballast } from '../support/command.js';
import { squaresDetector, writePictures } from '../support/detector.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-detector-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PICTURES = ['--task', 'detection', '--data', 'pictures/objects.json'];

beforeAll(async () => {
  writeFileSync(join(folder, 'detector.onnx'), writeModel(squaresDetector()));
  writeFileSync(join(folder, 'worse.onnx'), writeModel(squaresDetector(-4)));
  await writePictures(join(folder, 'pictures'), 64);
});

interface Figures {
  readonly quality: { value: number; interval: [number, number] };
  readonly loss: { value: number; interval: [number, number] };
  readonly bytes: number;
}

describe('a detector', () => {
  test('is judged by mAP on the pictures that a COCO file names', async () => {
    const { code, stderr, json } = await ballast(folder, 'evaluate', 'detector.onnx', ...PICTURES, '--json');
    expect(code, stderr).toBe(0);
    const { metrics, units } = json<{ units: number; metrics: Record<string, { value: number }> }>();
    expect(units).toBe(64);
    // Every square is found, where it is, and nothing else is surer.
    expect(metrics.mAP.value).toBeCloseTo(1, 9);
  });

  test('of which an exporter named every axis is one too', async () => {
    const detector = squaresDetector();
    const { graph } = detector;
    const inputs = graph.inputs.map((input) => ({ ...input, shape: ['n', ...(input.shape ?? []).slice(1)] }));
    const outputs = graph.outputs.map((output) => ({ ...output, shape: ['n', 'rows', 'columns'] }));
    writeFileSync(join(folder, 'named.onnx'), writeModel({ ...detector, graph: { ...graph, inputs, outputs } }));
    const judged = async (file: string): Promise<number> => {
      const { code, stderr, json } = await ballast(folder, 'evaluate', file, ...PICTURES, '--json');
      expect(code, stderr).toBe(0);
      return json<{ metrics: { mAP: { value: number } } }>().metrics.mAP.value;
    };
    expect(await judged('named.onnx')).toBe(await judged('detector.onnx'));
    const words = ['--method', 'fp16', '--out', 'named16.onnx', '--rows', '8'];
    const { code, stderr } = await ballast(folder, 'compress', 'named.onnx', ...PICTURES, ...words);
    expect(code, stderr).toBe(0);
    const { graph: half } = await readModelFile(join(folder, 'named16.onnx'));
    expect(half.outputs[0].shape?.[0]).toBe(half.inputs[0].shape?.[0]);
  });

  test('is compared with another on the same pictures', async () => {
    const words = ['compare', 'worse.onnx', 'detector.onnx', ...PICTURES];
    const { code, json } = await ballast(folder, ...words, '--json');
    expect(code).toBe(1);
    const [{ metric, difference, verdict }] = json<{
      metrics: { metric: string; difference: { interval: [number, number] }; verdict: string }[];
    }>().metrics;
    expect({ metric, verdict }).toEqual({ metric: 'mAP', verdict: 'hurt' });
    expect(difference.interval[1]).toBeLessThan(-0.5);
  });

  test('is made smaller, and keeps finding what it found', async () => {
    const { code, stderr, json } = await ballast(
      folder,
      ...['compress', 'detector.onnx', ...PICTURES, '--quick', '--epochs', '6', '--learning-rate', '0.01'],
      ...['--weight-decay', '0.0001', '--constraint', 'mAPLoss<=5%', '--constraint', 'sizeRatio<=0.9', '--json'],
    );
    expect(code, stderr).toBe(0);
    const { primary, rows, front, dominated, chosen, baseline } = json<{
      primary: string;
      rows: { judge: number };
      baseline: Figures;
      front: (Figures & { id: string; steps: string[]; model: string })[];
      dominated: (Figures & { id: string })[];
      chosen: string;
    }>();
    expect({ primary, judge: rows.judge }).toEqual({ primary: 'mAP', judge: 19 });
    expect(baseline.quality.value).toBeCloseTo(1, 9);
    expect(baseline.loss).toEqual({ value: 0, interval: [0, 0] });
    const all = [...front, ...dominated];
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(['static-int8', 'prune50-distil']));
    const one = front.find(({ id }) => id === chosen)!;
    expect(one.loss.value).toBeCloseTo(baseline.quality.value - one.quality.value, 9);
    expect(one.loss.interval[1]).toBeGreaterThanOrEqual(one.loss.value);
    expect(one.loss.value).toBeLessThanOrEqual(0.05);
    const certificate = (await readModelFile(join(folder, one.model))).metadata.get('ballast.certificate')!;
    expect(JSON.parse(certificate)).toMatchObject({ primary: 'mAP', data: { rows: 19 }, figures: { loss: one.loss } });
    // What is pruned is a detector of the same ports: it goes through all this again.
    const pruned = all.find(({ id }) => id === 'prune50-distil')!;
    expect(pruned.bytes).toBeLessThan(0.75 * baseline.bytes);
  });

  test('takes one step, with what it cost', async () => {
    const { code, stderr, json } = await ballast(
      folder,
      ...[
        'compress',
        'detector.onnx',
        ...PICTURES,
        '--method',
        'static-int8',
        '--rows',
        '40',
        '--out',
        'q.onnx',
        '--json',
      ],
    );
    expect(code, stderr).toBe(0);
    const { primary, after } = json<{ primary: string; after: Figures }>();
    expect(primary).toBe('mAP');
    expect(after.quality.value).toBeGreaterThan(0.9);
    expect(existsSync(join(folder, 'q.onnx'))).toBe(true);
  });
});

describe('what a detector has no use for, or what is no detector, is refused by name', () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await ballast(folder, ...argv);
    expect(code).toBe(2);
    return stderr;
  };
  const [first, ...rest] = ['compress', 'detector.onnx', ...PICTURES];

  test.each([
    [['--student', 'search'], /--student/],
    [['--teacher-share', '0.3'], /--teacher-share/],
    [['--classes', 'a,b'], /--classes/],
    [['--criterion', 'movement'], /movement/],
    [['--constraint', 'worstClassLoss<=2%'], /detection has no worstClassLoss.*mAPLoss/s],
    [['--method', 'sparsify', '--out', 'x.onnx'], /sparsify/],
    [['--output', 'scores'], /no output "scores"/],
  ])('%j', async (more, message) => {
    expect(await refused(first, ...rest, ...more)).toMatch(message);
  });

  test('a layout with other classes, a picture that is not there, objects on none', async () => {
    const objects = JSON.parse(readFileSync(join(folder, 'pictures/objects.json'), 'utf8')) as {
      images: object[];
      annotations: object[];
      categories: object[];
    };
    const judged = (change: object): Promise<string> => {
      writeFileSync(join(folder, 'pictures/changed.json'), JSON.stringify({ ...objects, ...change }));
      return refused('evaluate', 'detector.onnx', '--task', 'detection', '--data', 'pictures/changed.json');
    };
    expect(await judged({ categories: [...objects.categories, { id: 99, name: 'blue' }] })).toMatch(
      /3 classes.*\[N, 7/s,
    );
    expect(
      await judged({ images: [...objects.images, { id: 999, file_name: 'no.png', width: 1, height: 1 }] }),
    ).toMatch(/no\.png/);
    const lost = { image_id: 12345, category_id: 10, bbox: [0, 0, 1, 1] };
    expect(await judged({ annotations: [lost] })).toMatch(/annotations\.0: there is no image 12345/);
    expect(await judged({ images: [] })).toMatch(/images/);
    expect(await judged({ annotations: [] })).toMatch(/no object is annotated/);
    expect(await refused('evaluate', 'detector.onnx', ...PICTURES, '--stress')).toMatch(/--stress/);
  });
});
