import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../test/support/computed.js';
import { FEATURES, MIXED, openRuntimes, problem, trained } from '../../test/support/training-problem.js';
import { GraphBuilder } from '../graph/builder.js';
import { gradients } from '../graph/gradients.js';
import { float, type Node } from '../graph/model.js';
import { float32, float64 } from '../graph/tensor.js';
import { readArchitecture } from './architecture.js';
import { batchNormalize } from './normalization.js';

interface Golden {
  readonly shape: number[];
  readonly momentum: number;
  readonly epsilon: number;
  readonly scale: number[];
  readonly shift: number[];
  readonly mean: number[];
  readonly variance: number[];
  readonly batches: readonly Record<
    'x' | 'seed' | 'y' | 'dx' | 'dScale' | 'dShift' | 'runningMean' | 'runningVariance',
    number[]
  >[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/batch-norm.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

/** ONNX's momentum is the kept share, PyTorch's the new one. */
const nodeOf = ({ momentum, epsilon }: Pick<Golden, 'momentum' | 'epsilon'>): Node => ({
  name: 'norm',
  opType: 'BatchNormalization',
  domain: '',
  inputs: ['x', 'scale', 'shift', 'mean', 'variance'],
  outputs: ['y'],
  attributes: { momentum: float(1 - momentum), epsilon: float(epsilon) },
});

describe.each([
  { precision: 'float64', make: float64, tolerance: 1e-8 },
  { precision: 'float32', make: float32, tolerance: 2e-5 },
])('batch normalization while training against PyTorch in $precision', ({ make, tolerance }) => {
  it.each(cases)('$shape', async (golden) => {
    const { shape } = golden;
    const channels = [shape[1]];
    let { mean, variance } = golden;
    for (const batch of golden.batches) {
      const found = await computed(
        {
          x: make(shape, batch.x),
          scale: make(channels, golden.scale),
          shift: make(channels, golden.shift),
          mean: make(channels, mean),
          variance: make(channels, variance),
          seed: make(shape, batch.seed),
        },
        ({ b, inputs }) => {
          const { x, scale, shift, seed } = inputs;
          const made = batchNormalize(b, nodeOf(golden), [x, scale, shift, inputs.mean, inputs.variance]);
          const [dx, dScale, dShift] = gradients(b, made.output, [x, scale, shift], seed);
          return {
            y: made.output,
            dx: dx!,
            dScale: dScale!,
            dShift: dShift!,
            runningMean: made.runningMean,
            runningVariance: made.runningVariance,
          };
        },
      );
      for (const name of ['y', 'dx', 'dScale', 'dShift', 'runningMean', 'runningVariance'] as const) {
        const worst = batch[name].reduce((most, value, i) => Math.max(most, Math.abs(found[name][i] - value)), 0);
        expect(worst / Math.max(1, ...batch[name].map(Math.abs)), name).toBeLessThan(tolerance);
      }
      mean = batch.runningMean;
      variance = batch.runningVariance;
    }
  });
});

describe('batch normalization in a run', () => {
  const model = { type: 'mlp', hidden: [5], normalization: 'batch' };

  it('refuses a single value a channel, and says what to do', () => {
    const b = new GraphBuilder();
    const vector = (name: string) => b.input(name, 'float32', [3]);
    const inputs = [b.input('x', 'float32', [1, 3]), vector('s'), vector('b'), vector('m'), vector('v')];
    expect(() => batchNormalize(b, nodeOf({ momentum: 0.1, epsilon: 1e-5 }), inputs)).toThrow(
      expect.objectContaining({ code: 'BATCH_NORM_BATCH_OF_ONE' }),
    );
  });

  it('leaves out a last batch of one row, whichever row comes last', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ model, inputs: FEATURES, rows: 17, training: { batchSize: 8, epochs: 2 } });
    const { events, outcome } = await trained(ffi, given);
    expect(outcome).toBe('completed');
    expect(events.find(({ type }) => type === 'started')).toMatchObject({ stepsPerEpoch: 2 });
    const plain = problem({ inputs: FEATURES, rows: 17, training: { batchSize: 8, epochs: 2 } });
    expect((await trained(ffi, plain)).events.find(({ type }) => type === 'started')).toMatchObject({
      stepsPerEpoch: 3,
    });
  });

  it('keeps running statistics in the trained network, in the last smaller batch too', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ model, inputs: MIXED, rows: 20, training: { batchSize: 8, epochs: 3 } });
    const { buffers } = readArchitecture(given.graph);
    expect(buffers.map(({ name }) => name)).toEqual(['norm2.mean', 'norm2.variance']);
    const { graph, outputs } = await trained(ffi, given);
    for (const { name, initial } of buffers) {
      expect(graph.initializers.get(name)!.data).not.toEqual(initial.data);
    }
    expect(outputs.validation.every(Number.isFinite)).toBe(true);
  });
});
