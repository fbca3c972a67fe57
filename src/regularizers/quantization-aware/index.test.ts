import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { worstOf } from '../../../test/support/attack-goldens.js';
import { computed } from '../../../test/support/computed.js';
import { openRuntimes, PICTURES, problem, SMALL_CNN, trained } from '../../../test/support/training-problem.js';
import { writeModel } from '../../graph/format/encode.js';
import { gradients } from '../../graph/gradients.js';
import type { Model, Node } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { activationGrid, fakeQuantize, movedRange, weightGrid } from './fake-quantize.js';

interface Goldens {
  readonly w: readonly number[];
  readonly seed: readonly number[];
  readonly shape: readonly number[];
  readonly weights: readonly { bits: number; axis: number; y: readonly number[]; gradient: readonly number[] }[];
  readonly batches: readonly Readonly<Record<'x' | 'range' | 'y' | 'gradient', readonly number[]>>[];
}

const GOLDENS = JSON.parse(readFileSync(new URL('goldens/quantization.json', import.meta.url), 'utf8')) as Goldens;

describe('fake quantization', () => {
  it.each(GOLDENS.weights)("of weights is PyTorch's: $bits bits, axis $axis", async ({ bits, axis, y, gradient }) => {
    const feeds = { w: float32(GOLDENS.shape, GOLDENS.w), seed: float32(GOLDENS.shape, GOLDENS.seed) };
    const found = await computed(feeds, ({ b, inputs: { w, seed } }) => {
      const rounded = fakeQuantize(b, w, weightGrid(b, w, axis, bits));
      const [slope] = gradients(b, b.reduceSum(b.mul(rounded, seed)), [w]);
      return { y: rounded, gradient: slope! };
    });
    expect(worstOf(found.y, y)).toBeLessThan(1e-6);
    expect(found.gradient).toEqual(gradient);
  });

  it("of activations follows PyTorch's moving ranges, batch after batch", async () => {
    let range: readonly number[] = [0, 0];
    for (const golden of GOLDENS.batches) {
      const feeds = { x: float32([4, 6], golden.x), range: float32([2], range) };
      const found = await computed(feeds, ({ b, inputs }) => {
        const moved = movedRange(b, inputs.x, inputs.range, 0.25);
        const [low, high] = b.split(moved, [1, 1], 0);
        const rounded = fakeQuantize(b, inputs.x, activationGrid(b, low, high, 8));
        const [slope] = gradients(b, b.reduceSum(b.mul(rounded, 2)), [inputs.x]);
        return { range: moved, y: rounded, gradient: slope! };
      });
      expect(worstOf(found.range, golden.range)).toBeLessThan(1e-6);
      expect(worstOf(found.y, golden.y)).toBeLessThan(1e-6);
      expect(found.gradient).toEqual(golden.gradient);
      range = found.range;
    }
  });

  it('is QuantizeLinear and DequantizeLinear to the bit, halves to even', async () => {
    const scale = 0.25;
    // Halves of steps among them: 0.125, 0.375, ...
    const x = float32(
      [1, 600],
      Float32Array.from({ length: 600 }, (_, i) => (i - 300) * 0.125),
    );
    const runtime = await openRuntime({ backend: 'stock' });
    const node = (opType: string, inputs: string[], output: string): Node => ({
      name: output,
      opType,
      domain: '',
      inputs,
      outputs: [output],
      attributes: {},
    });
    const zero: Tensor = { type: 'uint8', shape: [], data: Uint8Array.of(99) };
    const model: Model = {
      irVersion: 10,
      opsets: new Map([['', 21]]),
      producer: { name: 'test', version: '' },
      metadata: new Map(),
      graph: {
        name: 'qdq',
        inputs: [{ name: 'x', type: 'float32', shape: [1, 600] }],
        outputs: [{ name: 'y', type: 'float32', shape: [1, 600] }],
        initializers: new Map<string, Tensor>([
          ['scale', float32([], [scale])],
          ['zero', zero],
        ]),
        nodes: [
          node('QuantizeLinear', ['x', 'scale', 'zero'], 'q'),
          node('DequantizeLinear', ['q', 'scale', 'zero'], 'y'),
        ],
        valueInfo: new Map(),
      },
    };
    const session = await runtime.load(writeModel(model), { optimization: 'none' });
    const { y } = await session.run({ x });
    session.release();
    const { found } = await computed({ x, scale: float32([], [scale]) }, ({ b, inputs }) => ({
      found: fakeQuantize(b, inputs.x, { scale: inputs.scale, zeroPoint: 99, low: 0, high: 255 }),
    }));
    expect(found).toEqual(Array.from(y.data as Float32Array));
  });
});

describe('a quantization-aware run', () => {
  it('exports weights on their grid, and activations rounded as in training', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({
      inputs: PICTURES,
      model: SMALL_CNN,
      regularizers: [{ type: 'quantization-aware', bits: 4 }],
      training: { epochs: 3 },
    });
    const { graph } = await trained(ffi, given);
    const { data, shape } = graph.initializers.get('conv1.weight')!;
    const size = data.length / shape[0];
    for (let c = 0; c < shape[0]; c++) {
      const unit = Array.from((data as Float32Array).subarray(c * size, (c + 1) * size));
      const step = Math.max(...unit.map(Math.abs)) / 7;
      for (const value of unit) expect(Math.abs(value / step - Math.round(value / step))).toBeLessThan(1e-4);
    }
    expect(graph.nodes.filter(({ opType }) => opType === 'Round').length).toBeGreaterThan(0);
  });
});
