import { beforeAll, describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../graph/builder.js';
import { writeModel } from '../../graph/format/encode.js';
import { int, type Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { compareDetection } from './compare-detection.js';
import { type BoxLayout, decodeBoxes } from './decode-boxes.js';
import type { DetectionInput } from './detection.js';
import { detectionFigure, evaluateDetection } from './evaluate-units.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

/** ONNX's own operator, with the thresholds that we have. */
function suppression(classes: number, anchors: number): Model {
  const { graph, ...model } = new GraphBuilder('suppression').model();
  const initializers = new Map<string, Tensor>()
    .set('most', int64([], [1000]))
    .set('iou', float32([], [0.65]))
    .set('least', float32([], [0.01]));
  const inputs = [
    { name: 'boxes', type: 'float32', shape: [1, anchors, 4] },
    { name: 'scores', type: 'float32', shape: [1, classes, anchors] },
  ] as const;
  const node = {
    ...{ name: 'suppression', opType: 'NonMaxSuppression', domain: '', outputs: ['selected'] },
    inputs: ['boxes', 'scores', 'most', 'iou', 'least'],
    attributes: { center_point_box: int(1) },
  };
  const outputs = [{ name: 'selected', type: 'int64', shape: ['n', 3] }] as const;
  return { ...model, graph: { ...graph, inputs, outputs, initializers, nodes: [node] } };
}

describe('decodeBoxes', () => {
  const [classes, anchors] = [3, 60];
  const random = derive('boxes');
  const boxes = Array.from({ length: anchors }, () => [
    ...[20 + 20 * random.uniform(), 20 + 20 * random.uniform()],
    ...[10 + 10 * random.uniform(), 10 + 10 * random.uniform()],
  ]);
  const scores = Array.from({ length: classes }, () => Array.from({ length: anchors }, () => random.uniform() ** 4));
  const values = [0, 1, 2, 3].map((i) => boxes.map((box) => box[i])).concat(scores);
  const first: BoxLayout = { classes, anchors, anchorsLast: true };
  const whole = { image: 7, categories: [1, 5, 9], scale: [1, 1] as const };
  const found = decodeBoxes(values.flat(), first, whole);

  test("keeps the boxes that ONNX's NonMaxSuppression keeps", async () => {
    const session = await runtime.load(writeModel(suppression(classes, anchors)));
    const { selected } = await session.run({
      boxes: float32([1, anchors, 4], boxes.flat()),
      scores: float32([1, classes, anchors], scores.flat()),
    });
    session.release();
    const kept = Array.from({ length: selected.shape[0] }, (_, i) => {
      const [one, anchor] = [1, 2].map((at) => Number(selected.data[3 * i + at]));
      return { category: whole.categories[one], score: scores[one][anchor] };
    }).sort((a, b) => b.score - a.score);
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.length).toBeLessThan(classes * anchors - 10);
    expect(found.map(({ category, score }) => ({ category, score }))).toEqual(kept.slice(0, 100));
  });

  test('reads anchors last and anchors first alike, and gives boxes in pixels of the picture', () => {
    const turned = Array.from({ length: anchors }, (_, i) => values.map((row) => row[i])).flat();
    expect(decodeBoxes(turned, { ...first, anchorsLast: false }, whole)).toEqual(found);
    const large = decodeBoxes(values.flat(), first, { ...whole, scale: [2, 3] });
    large.forEach(({ box }, i) => {
      const [left, top, width, height] = found[i].box;
      [2 * left, 3 * top, 2 * width, 3 * height].forEach((value, at) => {
        expect(box[at]).toBeCloseTo(value, 6);
      });
    });
  });

  test('leaves out what is not finite', () => {
    const broken = values.flat().map((value, i) => (i === 0 ? Number.NaN : value));
    expect(decodeBoxes(broken, first, whole).every(({ box }) => box.every(Number.isFinite))).toBe(true);
  });
});

describe('compareDetection', () => {
  const random = derive('pictures');
  const images = Array.from({ length: 60 }, (_, i) => i);
  const truth = images.map((image) => ({ image, category: 1 + (image % 2), box: [10, 10, 20, 20] as const }));
  const detections = (right: number): DetectionInput => ({
    ...{ images, truth },
    detected: truth.map(({ image, category, box }) => {
      const [left, top, width, height] = box;
      const shift = random.uniform() < right ? 0 : 15;
      return { image, category, box: [left + shift, top, width, height], score: random.uniform() };
    }),
  });
  const [good, bad] = [detections(0.95), detections(0.5)];

  test('gives the difference of what each is worth, and says which is better', () => {
    const alone = (input: DetectionInput) => evaluateDetection({ ...input, bootstrap: { resamples: 10 } }).metrics;
    for (const { metric, first, second, difference } of compareDetection(good, bad)) {
      expect(first).toBe(alone(good)[metric].value);
      expect(second).toBe(alone(bad)[metric].value);
      expect(difference.value).toBe(first - second);
    }
    const [{ metric, difference, verdict }] = compareDetection(good, bad, { only: ['mAP'] });
    expect({ metric, verdict }).toEqual({ metric: 'mAP', verdict: 'helped' });
    expect(difference.interval[0]).toBeGreaterThan(0);
    expect(compareDetection(bad, good, { only: ['mAP'] })[0].verdict).toBe('hurt');
  });

  test('of one detector and itself is 0', () => {
    const [{ difference }] = compareDetection(good, good);
    expect(difference).toMatchObject({ value: 0, interval: [0, 0] });
  });

  test('one figure alone is that of all', () => {
    const all = evaluateDetection(good).metrics;
    expect(detectionFigure('mAP', good)).toEqual(all.mAP);
    expect(() => detectionFigure('mAP', { images, truth: [], detected: [] })).toThrow(/no value/);
  });
});
