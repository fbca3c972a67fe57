import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type NetworkName, network } from '../../../test/support/networks.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Model, Node } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, sizeOf, type Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { convert } from '../convert.js';
import { observe } from '../observe/activations.js';
import { nearness, parityOf } from '../observe/parity.js';
import { roundAdaptively, roundRow } from './adaptive-rounding.js';
import { dequantized } from './grid.js';
import { prepareModel } from './prepare.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('the weights of one output', () => {
  const costOf = (exact: Float64Array, values: ArrayLike<number>, products: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < exact.length; i++) {
      for (let j = 0; j < exact.length; j++) {
        sum += (values[i] - exact[i]) * (values[j] - exact[j]) * products[i * exact.length + j];
      }
    }
    return sum;
  };

  test('are never worse than the nearest, never better than the best of all, and the error told is theirs', () => {
    const size = 7;
    const number = fc.double({ min: -4, max: 4, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(number, { minLength: size, maxLength: size }),
        fc.array(number, { minLength: 3 * size, maxLength: 3 * size }),
        (weights, rows) => {
          const exact = Float64Array.from(weights);
          const products = Float64Array.from({ length: size * size }, (_, k) =>
            [0, 1, 2].reduce((sum, r) => sum + rows[r * size + Math.floor(k / size)] * rows[r * size + (k % size)], 0),
          );
          const start = Int8Array.from(exact, Math.round);
          const { values, before, after } = roundRow(exact, start, products, 127);
          let best = Number.POSITIVE_INFINITY;
          for (let bits = 0; bits < 2 ** size; bits++) {
            const choice = exact.map((w, i) => ((bits >> i) & 1 ? Math.ceil(w) : Math.floor(w)));
            best = Math.min(best, costOf(exact, choice, products));
          }
          expect(before).toBeCloseTo(costOf(exact, start, products), 6);
          expect(after).toBeCloseTo(costOf(exact, values, products), 6);
          expect(after).toBeLessThanOrEqual(before + 1e-9);
          expect(after).toBeGreaterThanOrEqual(best - 1e-6);
          for (const [i, value] of values.entries()) expect(Math.abs(value - exact[i])).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a network', () => {
  const prepared = async (name: NetworkName): Promise<{ model: Model; batches: () => Record<string, Tensor>[] }> => {
    const { model: given, inputs } = network(name);
    const { model } = await prepareModel(runtime, given, { upgradeOpset: true });
    const stream = derive('adaptive', name);
    const batches = Array.from({ length: 2 }, () =>
      Object.fromEntries(
        inputs.map((input) => {
          const shape = [16, ...input.shape];
          return [
            input.name,
            float32(
              shape,
              Float32Array.from({ length: sizeOf(shape) }, () => stream.normal()),
            ),
          ];
        }),
      ),
    );
    return { model, batches: () => batches };
  };

  test.each(['mlp', 'grouped', 'separable', 'residual'] as const)(
    '%s: the error that is made small is that of the layer’s outputs, measured by the runtime',
    async (name) => {
      const { model, batches } = await prepared(name);
      const options = { perChannel: true, reducedRange: true };
      const { rounded, errors } = await roundAdaptively(runtime, model, batches, options);
      expect(rounded.size).toBeGreaterThan(1);
      const initializers = new Map(model.graph.initializers);
      const extra: Node[] = [];
      for (const [layer, weight] of rounded) {
        const node = model.graph.nodes.find((each) => each.name === layer)!;
        const exact = model.graph.initializers.get(node.inputs[1])!;
        const back = dequantized(weight).data;
        const error = back.map((value, i) => value - (exact.data as Float32Array)[i]);
        initializers.set(`${layer}.e`, float32(exact.shape, error));
        const output = `${layer}.noise`;
        extra.push({ ...node, name: output, inputs: [node.inputs[0], `${layer}.e`], outputs: [output] });
      }
      const watching = { ...model, graph: { ...model.graph, initializers, nodes: [...model.graph.nodes, ...extra] } };
      const found = new Map<string, number>();
      await observe(runtime, watching, batches, { names: extra.map(({ outputs: [out] }) => out) }, (values) => {
        for (const layer of rounded.keys()) {
          const noise = values[`${layer}.noise`].data as Float32Array;
          found.set(
            layer,
            noise.reduce((sum, value) => sum + value ** 2, found.get(layer) ?? 0),
          );
        }
      });
      for (const [layer, { nearest, adaptive }] of errors) {
        expect(adaptive / found.get(layer)!).toBeCloseTo(1, 2);
        expect(adaptive).toBeLessThanOrEqual(nearest);
      }
      const sum = (which: 'nearest' | 'adaptive') => [...errors.values()].reduce((all, each) => all + each[which], 0);
      expect(sum('adaptive')).toBeLessThan(0.9 * sum('nearest'));
    },
  );

  test('is nearer to the original so than rounded to the nearest, and loads in the runtime', async () => {
    const { model, batches } = await prepared('cnn');
    const common = { method: 'static-int8', calibration: 'min-max', perChannel: false, symmetric: false } as const;
    const made = async (rounding: 'nearest' | 'adaptive') => {
      const options = { ...common, reducedRange: true, exclude: new Set<string>(), rounding };
      const { model: converted } = await convert(runtime, model, batches, options);
      (await runtime.load(writeModel(converted))).release();
      return nearness(await parityOf(runtime, model, converted, batches));
    };
    expect(await made('adaptive')).toBeGreaterThan(await made('nearest'));
  });
});
