import { beforeAll, describe, expect, test } from 'vitest';
import { differenceOf } from '../../../test/support/networks.js';
import { silenced } from '../../../test/support/silenced.js';
import { GraphBuilder, type Value } from '../../graph/builder.js';
import { int, ints, type Model, string } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, sizeOf } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { cutUnits } from './cut.js';
import { prunableGroups } from './structured.js';

/** What networks from elsewhere are made of, that those of Ballast have not: each with how many units lie along an axis. */

const normal = (name: string, shape: readonly number[]) => {
  const stream = derive('architectures', name);
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => 0.4 * stream.normal()),
  );
};

class Net {
  readonly b = new GraphBuilder('network');
  readonly x: Value;
  #count = 0;

  constructor(readonly shape: readonly number[]) {
    this.x = this.b.input('x', 'float32', shape);
  }

  weight(...shape: number[]): Value {
    const name = `w${this.#count++}`;
    return this.b.initializer(name, normal(name, shape));
  }

  conv(x: Value, from: number, to: number, { kernel = 3, groups = 1 } = {}): Value {
    const pad = (kernel - 1) / 2;
    const weight = this.weight(to, from / groups, kernel, kernel);
    return this.b.op('Conv', [x, weight, this.weight(to)], { pads: ints([pad, pad, pad, pad]), group: int(groups) });
  }

  dense(x: Value, from: number, to: number): Value {
    return this.b.add(this.b.matMul(x, this.weight(from, to)), this.weight(to));
  }

  /** softmax(q k') v of [batch, heads, steps, width]; an unlike number of keys' heads is spread before. */
  attention(q: Value, k: Value, v: Value): Value {
    return this.b.matMul(this.b.op('Softmax', [this.b.matMul(q, this.b.swapLast(k))]), v);
  }

  answer(y: Value): { model: Model; feeds: Record<string, ReturnType<typeof normal>> } {
    this.b.output('y', y);
    return { model: this.b.model(), feeds: { x: normal('x', this.shape) } };
  }
}

const pooled = ({ b }: Net, x: Value): Value => b.reduceMean(x, [2, 3]);

const ARCHITECTURES: Readonly<Record<string, { make: () => ReturnType<Net['answer']>; widths: number[] }>> = {
  'layers that see all before them (DenseNet)': {
    make: () => {
      const net = new Net([3, 3, 8, 8]);
      const { b } = net;
      const first = net.conv(net.x, 3, 8);
      const second = b.concat([first, net.conv(b.relu(first), 8, 6)], 1);
      const third = b.concat([second, net.conv(b.relu(second), 14, 4)], 1);
      return net.answer(net.dense(pooled(net, third), 18, 3));
    },
    widths: [18],
  },
  'groups of channels that are shuffled and parted (ShuffleNet)': {
    make: () => {
      const net = new Net([3, 3, 8, 8]);
      const { b } = net;
      const grouped = net.conv(b.relu(net.conv(net.x, 3, 12, { kernel: 1 })), 12, 12, { groups: 3 });
      const swapped = b.op('Transpose', [b.reshape(grouped, [3, 3, 4, 8, 8])], { perm: ints([0, 2, 1, 3, 4]) });
      const [kept, changed] = b.split(b.reshape(swapped, [3, 12, 8, 8]), [6, 6], 1);
      const joined = b.concat([kept, net.conv(changed, 6, 6, { kernel: 1 })], 1);
      return net.answer(net.dense(pooled(net, joined), 12, 3));
    },
    widths: [4, 10],
  },
  'depthwise layers between wide ones, with a gate of channels (MobileNet)': {
    make: () => {
      const net = new Net([3, 3, 8, 8]);
      const { b } = net;
      const stem = b.relu(net.conv(net.x, 3, 8));
      const wide = b.clip(net.conv(stem, 8, 16, { kernel: 1 }), 0, 6);
      const deep = b.clip(net.conv(wide, 16, 16, { groups: 16 }), 0, 6);
      const sum = b.add(stem, net.conv(deep, 16, 8, { kernel: 1 }));
      const gate = net.conv(b.relu(net.conv(b.reduceMean(sum, [2, 3], true), 8, 5, { kernel: 1 })), 5, 8, {
        kernel: 1,
      });
      return net.answer(net.dense(pooled(net, b.mul(sum, b.op('Sigmoid', [gate]))), 8, 3));
    },
    widths: [5, 8, 16],
  },
  'down and up again, with shortcuts across (U-Net)': {
    make: () => {
      const net = new Net([2, 3, 8, 8]);
      const { b } = net;
      const high = b.relu(net.conv(net.x, 3, 6));
      const low = b.relu(
        net.conv(b.op('MaxPool', [high], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }), 6, 10),
      );
      const up = b.op('ConvTranspose', [low, net.weight(10, 6, 2, 2), net.weight(6)], { strides: ints([2, 2]) });
      return net.answer(net.conv(b.concat([high, b.relu(up)], 1), 12, 2, { kernel: 1 }));
    },
    widths: [10, 12],
  },
  'one weight on both sides (tied)': {
    make: () => {
      const net = new Net([4, 8]);
      const { b } = net;
      const tied = net.weight(8, 12);
      const code = b.relu(b.matMul(net.x, tied));
      const inner = b.relu(net.dense(code, 12, 12));
      return net.answer(b.matMul(inner, b.op('Transpose', [tied], { perm: ints([1, 0]) })));
    },
    widths: [12],
  },
  'halves that are multiplied (GLU)': {
    make: () => {
      const net = new Net([4, 8]);
      const { b } = net;
      const [value, gate] = b.split(net.dense(net.x, 8, 20), [10, 10], 1);
      return net.answer(net.dense(b.mul(value, b.op('Sigmoid', [gate])), 10, 3));
    },
    widths: [10],
  },
  'an attention of one product, its parts by position (PyTorch)': {
    make: () => {
      const net = new Net([2, 5, 8]);
      const { b } = net;
      const parts = b.transpose(b.reshape(net.dense(net.x, 8, 24), [2, 5, 3, 4, 2]), [2, 0, 3, 1, 4]);
      const [q, k, v] = [0, 1, 2].map((part) => b.gather(parts, b.constant(int64([], [part]))));
      const y = b.reshape(b.transpose(net.attention(q, k, v), [0, 2, 1, 3]), [2, 5, 8]);
      return net.answer(net.dense(y, 8, 3));
    },
    widths: [4],
  },
  'an attention of one product, batch and heads in one axis': {
    make: () => {
      const net = new Net([5, 2, 8]);
      const { b } = net;
      const parts = b.split(net.dense(net.x, 8, 24), [8, 8, 8], 2);
      const [q, k, v] = parts.map((part) => b.transpose(b.reshape(part, [5, 8, 2]), [1, 0, 2]));
      const y = b.reshape(b.transpose(net.attention(q, k, v), [1, 0, 2]), [10, 8]);
      return net.answer(net.dense(y, 8, 3));
    },
    widths: [4],
  },
  'an attention of which keys and values have fewer heads (grouped queries)': {
    make: () => {
      const net = new Net([2, 5, 8]);
      const { b } = net;
      const heads = (y: Value, count: number) => b.transpose(b.reshape(y, [2, 5, count, 2]), [0, 2, 1, 3]);
      const spread = (y: Value) => b.reshape(b.expand(b.reshape(y, [2, 3, 1, 5, 2]), [2, 3, 2, 5, 2]), [2, 6, 5, 2]);
      const [k, v] = [0, 1].map(() => spread(heads(net.dense(net.x, 8, 6), 3)));
      const y = b.transpose(net.attention(heads(net.dense(net.x, 8, 12), 6), k, v), [0, 2, 1, 3]);
      return net.answer(net.dense(b.reshape(y, [2, 5, 12]), 12, 3));
    },
    widths: [3],
  },
  'recurrent layers with states, lengths and peepholes, and one upon another (LSTM, GRU)': {
    make: () => {
      const net = new Net([4, 2, 5]);
      const { b } = net;
      const lengths = b.constant({ type: 'int32', shape: [2], data: Int32Array.of(4, 3) });
      const both = { direction: string('bidirectional'), hidden_size: int(6) };
      const weights = [net.weight(2, 24, 5), net.weight(2, 24, 6), net.weight(2, 48), lengths];
      const states = [net.weight(2, 2, 6), net.weight(2, 2, 6), net.weight(2, 18)];
      const [steps, , cells] = b.apply('LSTM', [net.x, ...weights, ...states], both, { outputs: 3 });
      const wide = b.reshape(b.transpose(steps, [0, 2, 1, 3]), [4, 2, 12]);
      const upper = [net.weight(1, 21, 12), net.weight(1, 21, 7), net.weight(1, 42), undefined, net.weight(1, 2, 7)];
      const back = { direction: string('reverse'), hidden_size: int(7), linear_before_reset: int(1) };
      const [, last] = b.apply('GRU', [wide, ...upper], back, { outputs: 2 });
      const found = b.concat([b.reshape(last, [2, 7]), b.reshape(b.transpose(cells, [1, 0, 2]), [2, 12])], 1);
      return net.answer(net.dense(found, 19, 3));
    },
    widths: [13],
  },
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('units of zero weights can go from', () => {
  test.each(Object.entries(ARCHITECTURES))('%s', async (_, { make, widths }) => {
    const { model, feeds } = make();
    const { dependencies, groups } = await prunableGroups(runtime, model, feeds);
    expect(groups.map(({ units }) => units.length).sort((a, b) => a - b)).toEqual(widths);
    const chosen = groups.flatMap(({ units }) => units.filter((_unit, i) => i % 3 === 1));
    const zero = silenced(model, chosen);
    const cut = cutUnits(zero, dependencies, new Set(chosen.map(({ id }) => id)));
    expect(await differenceOf(runtime, [zero, cut], feeds)).toBeLessThan(1e-5);
    const size = ({ graph }: Model): number =>
      [...graph.initializers.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(size(cut)).toBeLessThan(0.9 * size(model));
  });
});
