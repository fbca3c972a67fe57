import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { differenceOf, feedsOf, NETWORKS, network } from '../../../test/support/networks.js';
import type { Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { CONVERSIONS, convert } from '../convert.js';
import { Histogram } from '../observe/histogram.js';
import { nearness, parityOf } from '../observe/parity.js';
import { equalizeLayers } from './equalize.js';
import { activationGrid, dequantized, quantizeWeight } from './grid.js';
import { halfBits } from './half.js';
import { prepareModel } from './prepare.js';
import { RANGE_METHODS, rangeOf } from './ranges.js';
import { smoothActivations } from './smooth.js';

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

describe('what is done to a model before it is rounded', () => {
  const rounded = { ...SETTINGS, method: 'static-int8' } as const;

  it.each(['cnn', 'separable'] as const)(
    'equalising %s changes no answer, and mends unequal channels',
    async (name) => {
      const runtime = await openRuntime();
      const given = network(name);
      const { model } = await prepareModel(runtime, given.model);
      const { model: equal, pairs } = equalizeLayers(model);
      expect(pairs).toBeGreaterThan(0);
      expect(await differenceOf(runtime, [model, equal], feedsOf(given, 8))).toBeLessThan(1e-4);
    },
  );

  it('equalising helps a network whose channels differ a hundredfold, with one scale for a weight', async () => {
    const runtime = await openRuntime();
    const given = network('cnn');
    const { model } = await prepareModel(runtime, given.model);
    const unequal = stretched(model);
    const batches = () => [feedsOf(given, 32)];
    const sqnr = async (equalize: boolean): Promise<number> => {
      const settings = { ...rounded, perChannel: false, equalize };
      const { model: made } = await convert(runtime, unequal, batches, settings);
      return nearness(await parityOf(runtime, model, made, batches));
    };
    expect(await sqnr(true)).toBeGreaterThan((await sqnr(false)) + 6);
  });

  it('smoothing a transformer changes no answer', async () => {
    const runtime = await openRuntime();
    const given = network('transformer');
    const { model } = await prepareModel(runtime, given.model);
    const batches = () => [feedsOf(given, 8)];
    const { model: smoothed, places } = await smoothActivations(runtime, model, batches, { alpha: 0.5 });
    expect(places).toBe(4);
    expect(await differenceOf(runtime, [model, smoothed], feedsOf(given, 8))).toBeLessThan(1e-4);
  });

  it('leaves the most sensitive layers out until the answers keep what is asked', async () => {
    const runtime = await openRuntime();
    const given = network('residual');
    const { model } = await prepareModel(runtime, given.model);
    const batches = () => [feedsOf(given, 16)];
    const {
      model: made,
      converted,
      sensitivity,
    } = await convert(runtime, model, batches, { ...rounded, leastSqnrDb: 45 });
    expect(nearness(await parityOf(runtime, model, made, batches))).toBeGreaterThanOrEqual(44.9);
    const kept = sensitivity?.slice(0, (sensitivity?.length ?? 0) - converted.length).map(({ node }) => node) ?? [];
    expect(kept.length).toBeGreaterThan(0);
    expect(converted.some((name) => kept.includes(name))).toBe(false);
  });

  /** The same function with channels of the first layer a hundred times larger or smaller than others. */
  function stretched(model: Model): Model {
    const [first, second] = model.graph.nodes.filter(({ opType }) => opType === 'Conv');
    const initializers = new Map(model.graph.initializers);
    const scaled = (name: string, by: (i: number, shape: readonly number[]) => number): void => {
      const { shape, data } = initializers.get(name)!;
      initializers.set(
        name,
        float32(
          shape,
          (data as Float32Array).map((value, i) => value * by(i, shape)),
        ),
      );
    };
    const factor = (channel: number): number => 10 ** ((channel % 3) - 1);
    const inner = (shape: readonly number[], from: number): number => shape.slice(from).reduce((a, b) => a * b, 1);
    scaled(first.inputs[1], (i, shape) => factor(Math.floor(i / inner(shape, 1))));
    scaled(first.inputs[2], (i) => factor(i));
    scaled(second.inputs[1], (i, shape) => 1 / factor(Math.floor(i / inner(shape, 2)) % shape[1]));
    return { ...model, graph: { ...model.graph, initializers } };
  }
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
