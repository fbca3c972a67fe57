import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { probeStep } from '../../../test/support/step-probe.js';
import { describeStep } from '../../../test/support/stepper.js';
import { FEATURES, problem } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32 } from '../../graph/tensor.js';
import { adam, type Optimizer, sgd } from '../../training/optimizers.js';
import { decayWeights } from './index.js';

describe('decayWeights', () => {
  it('is (1 - rate lambda) w', async () => {
    const w = [2, -3, 0, 1e-20];
    const { y } = await computed({ w: float32([4], w), rate: float32([], [0.5]) }, ({ b, inputs }) => ({
      y: decayWeights(b, inputs.w, inputs.rate, 0.25),
    }));
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(0.875 * w[i], 6);
    });
  });
});

describe.each<[string, Optimizer]>([
  ['SGD with momentum', sgd({ momentum: 0.9, nesterov: false })],
  ['Adam', adam('adamw', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })],
])('weight-decay with %s', (_name, optimizer) => {
  it('takes rate * lambda * w off weights, outside the gradient, and nothing off biases', async () => {
    const runtime = await openRuntime();
    const rate = 0.1;
    const strength = 0.7;
    const updateWith = async (regularizers: readonly Record<string, unknown>[]) => {
      const given = problem({ inputs: FEATURES, regularizers });
      const probe = await probeStep(runtime, given, describeStep(given, optimizer), { double: true, rate });
      // Away from the zeros that biases start from.
      const from = new Map([...probe.initial].map(([name, values]) => [name, values.map((v) => v + 0.5)]));
      const to = await probe.update(from);
      probe.release();
      return { from, to };
    };
    const plain = await updateWith([]);
    const decayed = await updateWith([{ type: 'weight-decay', strength }]);
    for (const [name, values] of plain.from) {
      values.forEach((w, i) => {
        const taken = plain.to.get(name)![i] - decayed.to.get(name)![i];
        expect(taken).toBeCloseTo(name.endsWith('.weight') ? rate * strength * w : 0, 12);
      });
    }
  });
});
