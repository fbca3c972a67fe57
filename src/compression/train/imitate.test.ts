import { beforeAll, describe, expect, test } from 'vitest';
import { squaresDetector } from '../../../test/support/detector.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { withAnyBatch } from '../../models/foreign.js';
import { derive } from '../../numeric/random.js';
import { feedsOf, type Pictures } from '../examples.js';
import { fineTune } from './fine-tune.js';
import { answersToLearn, hardened, lessonOf, withLearned } from './imitate.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const COUNT = 48;
const random = derive('imitate');
const pictures: Pictures = {
  ...{ task: 'detection', output: { name: 'detections', kind: 'detections' } },
  layout: { classes: 2, anchors: 16, anchorsLast: true },
  inputs: {
    // Of one colour a cell, so that some scores are high and some are low.
    pictures: float32([COUNT, 3, 32, 32], coloured()),
  },
  categories: [1, 2],
  images: Array.from({ length: COUNT }, (_, i) => i),
  scales: Array.from({ length: COUNT }, () => [1, 1] as const),
  truth: Array.from({ length: COUNT }, () => []),
};
const rows = Uint32Array.from({ length: COUNT }, (_, row) => row);

function coloured(): Float32Array {
  const data = new Float32Array(COUNT * 3 * 32 * 32);
  for (let plane = 0; plane < COUNT * 3; plane++) {
    for (let cell = 0; cell < 16; cell++) {
      const light = random.uniform();
      for (let i = 0; i < 64; i++) {
        const [y, x] = [8 * Math.floor(cell / 4) + Math.floor(i / 8), 8 * (cell % 4) + (i % 8)];
        data[plane * 1024 + 32 * y + x] = light;
      }
    }
  }
  return data;
}

/** The distance of each picture, as the lesson's graph tells it. */
async function distances(network: Model, said: Awaited<ReturnType<typeof answersToLearn>>): Promise<number[]> {
  const { model, examples } = lessonOf(network, pictures, said);
  const session = await runtime.load(writeModel(model));
  const { distance } = await session.run(feedsOf(examples.inputs, rows));
  session.release();
  return Array.from(distance.data as Float32Array);
}

describe('a lesson', () => {
  const [teacher, other] = [8, 3].map((sureness): Model => {
    const model = squaresDetector(sureness);
    return { ...model, graph: withAnyBatch(model.graph) };
  });

  test('is the divergence of the scores and the error of the boxes, by the given sureness', async () => {
    const [right, own] = [
      await answersToLearn(runtime, teacher, pictures),
      await answersToLearn(runtime, other, pictures),
    ];
    // Boxes of the same centre, a quarter too wide.
    const wide = float32(
      right.shape,
      right.data.map((value, i) => (Math.floor(i / 16) % 6 === 2 ? 0.8 * value : value)),
    );
    const found = await distances(other, wide);
    for (let picture = 0; picture < COUNT; picture++) {
      let sum = 0;
      for (let anchor = 0; anchor < 16; anchor++) {
        const at = (value: number): number => picture * 96 + value * 16 + anchor;
        let sure = 0;
        for (const one of [4, 5]) {
          const [p, q] = [right.data[at(one)], own.data[at(one)]];
          sum += p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
          sure = Math.max(sure, p);
        }
        sum += 5 * sure * 0.25 ** 2;
      }
      expect(found[picture]).toBeCloseTo(Math.sqrt(sum), 3);
    }
  });

  test('is 0 for the teacher, whichever way the axes lie', async () => {
    const said = await answersToLearn(runtime, teacher, pictures);
    expect(Math.max(...(await distances(teacher, said)))).toBeLessThan(2e-3);
    const sure = hardened(said, pictures.layout);
    const scores = sure.data.filter((_, i) => Math.floor(i / 16) % 6 >= 4);
    expect(new Set(scores)).toEqual(new Set([0, 1]));
    expect(sure.data.filter((_, i) => Math.floor(i / 16) % 6 < 4)).toEqual(
      said.data.filter((_, i) => Math.floor(i / 16) % 6 < 4),
    );
    const turned = hardened(float32([1, 1, 6], [1, 2, 3, 4, 0.7, 0.2]), { classes: 2, anchors: 1, anchorsLast: false });
    expect(Array.from(turned.data)).toEqual([1, 2, 3, 4, 1, 0]);
  });

  test('brings a detector nearer to its teacher, in its own weights', async () => {
    const said = await answersToLearn(runtime, teacher, pictures);
    const { model, examples } = lessonOf(other, pictures, said);
    const tuned = await fineTune(
      runtime,
      model,
      examples,
      { train: rows.subarray(0, 36), validation: rows.subarray(36) },
      {
        ...{ epochs: 24, learningRate: 2e-2, batchSize: 12, seed: 1, weightDecay: 1e-4 },
        ...{ teacherShare: 0, classWeighted: false },
      },
    );
    const learned = withLearned(other, tuned.model);
    expect([...learned.graph.initializers.keys()]).toEqual([...other.graph.initializers.keys()]);
    expect(learned.graph.nodes).toEqual(other.graph.nodes);
    // Where the cells are is no weight.
    expect(learned.graph.initializers.get('grid')).toEqual(other.graph.initializers.get('grid'));
    expect(learned.graph.initializers.get('head')).not.toEqual(other.graph.initializers.get('head'));
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const [before, after] = [await distances(other, said), await distances(learned, said)];
    expect(sum(after)).toBeLessThan(0.6 * sum(before));
  });
});
