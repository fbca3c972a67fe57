import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { feedsOf, NETWORKS, network } from '../../../test/support/networks.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { CONVERSIONS, convert } from '../convert.js';
import { Histogram } from '../observe/histogram.js';
import { parityOf } from '../observe/parity.js';
import { activationGrid, dequantized, quantizeWeight } from './grid.js';
import { halfBits } from './half.js';
import { prepareModel } from './prepare.js';
import { RANGE_METHODS, rangeOf } from './ranges.js';

const SETTINGS = {
  calibration: 'min-max',
  perChannel: true,
  symmetric: false,
  reducedRange: false,
  exclude: new Set<string>(),
} as const;

describe('conversions', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime();
  });

  const cases = NETWORKS.flatMap((name) => CONVERSIONS.map((method) => [name, method] as const));
  it.each(cases)('of %s by %s stay near the original', async (name, method) => {
    const given = network(name);
    const { model } = await prepareModel(runtime, given.model);
    const batches = () => [1, 2, 3].map((seed) => feedsOf(given, 8, seed));
    const { model: converted } = await convert(runtime, model, batches, { ...SETTINGS, method });
    const parity = await parityOf(runtime, given.model, converted, batches);
    const [{ sqnrDb, notFinite }] = Object.values(parity);
    expect(notFinite).toBe(0);
    expect(sqnrDb ?? Number.POSITIVE_INFINITY).toBeGreaterThan(method.endsWith('int8') ? 20 : 50);
  });

  it.each(RANGE_METHODS.flatMap((calibration) => [true, false].map((symmetric) => [calibration, symmetric] as const)))(
    'of activations by %s, symmetric %s, keep what the network says',
    async (calibration, symmetric) => {
      const given = network('cnn');
      const { model } = await prepareModel(runtime, given.model);
      const batches = () => [1, 2, 3].map((seed) => feedsOf(given, 32, seed));
      const settings = { ...SETTINGS, method: 'static-int8', calibration, symmetric } as const;
      const { model: converted } = await convert(runtime, model, batches, settings);
      const [{ sqnrDb }] = Object.values(await parityOf(runtime, given.model, converted, batches));
      // Entropy clips what is rare, in a Gaussian more than is good.
      expect(sqnrDb).toBeGreaterThan(calibration === 'entropy' ? 10 : 22);
    },
  );

  it('computes every layer of a residual network in 8 bits, and leaves out what it is told to', async () => {
    const given = network('residual');
    const { model } = await prepareModel(runtime, given.model);
    const batches = () => [feedsOf(given, 8)];
    const settings = { ...SETTINGS, method: 'static-int8' } as const;
    const all = await convert(runtime, model, batches, settings);
    const layers = model.graph.nodes.filter(({ opType }) => ['Conv', 'Gemm', 'MatMul'].includes(opType));
    expect(all.converted).toEqual(layers.map(({ name }) => name));
    const [first] = all.converted;
    const fewer = await convert(runtime, model, batches, { ...settings, exclude: new Set([first]) });
    expect(fewer.converted).toEqual(all.converted.slice(1));
    await expect(convert(runtime, model, batches, { ...settings, exclude: new Set(['nobody']) })).rejects.toThrow(
      /no node "nobody"/,
    );
  });
});

describe('a histogram', () => {
  const normal = (count: number, seed: number): Float32Array => {
    const stream = derive('histogram', seed);
    return Float32Array.from({ length: count }, () => stream.normal());
  };

  it('of a stream whose range grows is that of all values at once, up to a bin', () => {
    const [grown, whole] = [new Histogram(), new Histogram()];
    const values = [0.001, 0.1, 1, 30].flatMap((scale, seed) => Array.from(normal(5000, seed), (x) => scale * x));
    whole.add(float32([values.length], values));
    for (let from = 0; from < values.length; from += 1000) {
      grown.add(float32([1000], values.slice(from, from + 1000)));
    }
    expect([grown.low, grown.high, grown.total]).toEqual([whole.low, whole.high, whole.total]);
    for (const share of [0.01, 0.3, 0.5, 0.9, 0.999]) {
      expect(Math.abs(grown.quantile(share) - whole.quantile(share))).toBeLessThan((2 * 2 * grown.reach) / 4096);
    }
  });

  it('clips an outlier by mse and percentile, and keeps it by min-max', () => {
    const histogram = new Histogram();
    histogram.add(float32([500_000], normal(500_000, 1)));
    histogram.add(float32([1], [60]));
    expect(rangeOf(histogram, 'min-max').high).toBe(60);
    expect(rangeOf(histogram, 'mse').high).toBeLessThan(50);
    expect(rangeOf(histogram, 'percentile').high).toBeLessThan(5);
    expect(rangeOf(histogram, 'entropy').high).toBeLessThan(20);
  });

  it('always has 0 in the range, and stays finite where values are not', () => {
    const histogram = new Histogram();
    histogram.add(float32([4], [3, 4, Number.POSITIVE_INFINITY, Number.NaN]));
    expect([histogram.notFinite, rangeOf(histogram, 'min-max')]).toEqual([2, { low: 0, high: 4 }]);
    expect(activationGrid({ low: 0, high: 0 }, false)).toEqual({ scale: 1, zeroPoint: 0 });
  });
});

describe('grids', () => {
  it('round a weight by half a step at most, by channel or as a whole', () => {
    const values = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 0, 1), fc.constantFrom(127, 63), (data, axis, largest) => {
        const weight = float32([4, 6], data);
        const quantized = quantizeWeight(weight, { axis, largest });
        const step = Math.max(...quantized.scale.data);
        const back = dequantized(quantized).data;
        weight.data.forEach((value, i) => {
          expect(Math.abs(value - back[i])).toBeLessThanOrEqual(step * 0.5000002);
        });
      }),
    );
  });
});

describe('float16', () => {
  /** What 16 bits stand for, by the definition. */
  function halfOf(bits: number): number {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  }

  it('keeps every value that it has, and rounds what lies between to the nearest, halves to even', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [halfOf(bits), halfOf(bits + 1)];
      expect(halfBits(low)).toBe(bits);
      expect(halfBits(-low)).toBe(bits === 0 ? 0x8000 : bits | 0x8000);
      const middle = (low + high) / 2;
      expect(halfBits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
      expect(halfBits(middle + (high - low) / 8)).toBe(bits + 1);
    }
    expect([halfBits(65_520), halfBits(Number.POSITIVE_INFINITY)]).toEqual([0x7c00, 0x7c00]);
    expect(halfBits(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00);
  });
});
