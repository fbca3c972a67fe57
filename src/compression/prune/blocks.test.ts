import { beforeAll, describe, expect, test } from 'vitest';
import { network } from '../../../test/support/networks.js';
import { GraphBuilder } from '../../graph/builder.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { prepareModel } from '../quantize/prepare.js';
import { dropBlocks } from './blocks.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const stream = derive('blocks');
const numbers = (count: number) => Float32Array.from({ length: count }, () => stream.normal());
const FEEDS = { x: float32([5, 4], numbers(20)) };
const answers = async (model: Model) => {
  const session = await runtime.load(writeModel(model));
  try {
    return Object.values(await session.run(FEEDS))[0].data as Float32Array;
  } finally {
    session.release();
  }
};

/** Six inputs wide; a block that adds nothing, a layer that changes nothing, and a block that counts. */
function known(): Model {
  const b = new GraphBuilder('known');
  const x = b.input('x', 'float32', [5, 4]);
  const weight = (name: string, rows: number, columns: number, data = numbers(rows * columns)) =>
    b.initializer(name, float32([rows, columns], data));
  const h = b.matMul(x, weight('first', 4, 6));
  const idle = b.matMul(b.relu(b.matMul(h, weight('a', 6, 6))), weight('zeros', 6, 6, new Float32Array(36)));
  const same = b.matMul(
    b.add(h, idle),
    weight(
      'same',
      6,
      6,
      Float32Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
    ),
  );
  const counts = b.matMul(b.relu(b.matMul(same, weight('c', 6, 6))), weight('d', 6, 6));
  b.output('y', b.matMul(b.add(same, counts), weight('last', 6, 3)));
  return b.model();
}

describe('whole layers and blocks', () => {
  test('those that do nothing go first, and the answers stay', async () => {
    const model = known();
    const {
      removed,
      model: without,
      parameters,
    } = await dropBlocks(runtime, model, FEEDS, () => [FEEDS], { ratio: 0.4 });
    expect(
      removed
        .slice(0, 2)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['block', 'layer']);
    expect(removed.every(({ sqnrDb }) => sqnrDb > 100)).toBe(true);
    expect(parameters.before - parameters.after).toBe(72 + 36);
    const [before, after] = [await answers(model), await answers(without)];
    for (const [i, value] of before.entries()) expect(after[i]).toBeCloseTo(value, 5);
  });

  test('a network of Ballast with shortcuts loses one and still answers in its shape', async () => {
    const { model: given } = network('transformer');
    const { model } = await prepareModel(runtime, given, { foldNormalizations: false });
    const feeds = { series: float32([2, 6, 5], numbers(60)) };
    const { model: without, removed } = await dropBlocks(runtime, model, feeds, () => [feeds], { ratio: 0.1 });
    expect(removed[0].kind).toBe('block');
    const session = await runtime.load(writeModel(without));
    const [{ shape, data }] = Object.values(await session.run(feeds));
    session.release();
    expect(shape).toEqual([2, 3]);
    expect(Array.from(data as Float32Array).every(Number.isFinite)).toBe(true);
    expect(without.graph.nodes.length).toBeLessThan(model.graph.nodes.length);
  });

  test('a model without any says so', async () => {
    const b = new GraphBuilder('narrowing');
    b.output('y', b.matMul(b.input('x', 'float32', [5, 4]), b.initializer('w', float32([4, 3], numbers(12)))));
    const made = dropBlocks(runtime, b.model(), FEEDS, () => [FEEDS], { ratio: 0.5 });
    await expect(made).rejects.toMatchObject({ code: 'PRUNE_NOTHING' });
  });
});
