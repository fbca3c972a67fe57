import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { probeStep } from '../../../test/support/step-probe.js';
import { describeStep } from '../../../test/support/stepper.js';
import { type Inputs, problem } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32, int64 } from '../../graph/tensor.js';
import { sgd } from '../../training/optimizers.js';
import { smoothTargets } from './index.js';

interface Golden {
  readonly logits: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly epsilon: number;
  readonly classWeights: readonly number[] | null;
  readonly loss: number;
  readonly gradient: readonly (readonly number[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/label-smoothing.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('smoothTargets', () => {
  it('is (1 - epsilon) t + epsilon / classes and keeps rows summing to 1', async () => {
    const { y } = await computed(
      { t: float32([2, 4], [0, 1, 0, 0, 0.25, 0.25, 0.5, 0]), epsilon: float32([], [0.2]) },
      ({ b, inputs }) => ({ y: smoothTargets(b, inputs.t, inputs.epsilon) }),
    );
    const expected = [0.05, 0.85, 0.05, 0.05, 0.25, 0.25, 0.45, 0.05];
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 6);
    });
  });
});

describe('the class prior', () => {
  it('is (1 - epsilon) t + epsilon share, and leaves the mean of the targets where it was', async () => {
    const { y, mean } = await computed(
      { t: float32([4, 2], [1, 0, 1, 0, 1, 0, 0, 1]), epsilon: float32([], [0.4]) },
      ({ b, inputs }) => {
        const y = smoothTargets(b, inputs.t, inputs.epsilon, [0.75, 0.25]);
        return { y, mean: b.reduceMean(y, [0]) };
      },
    );
    [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.3, 0.7].forEach((value, i) => {
      expect(y[i]).toBeCloseTo(value, 6);
    });
    expect(mean[0]).toBeCloseTo(0.75, 6);
  });
});

describe("label-smoothing against PyTorch's CrossEntropyLoss(weight, label_smoothing)", () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const { logits, labels, epsilon, classWeights } = golden;
    const [rows, classes] = [logits.length, logits[0].length];
    const inputs: Inputs = [{ name: 'features', content: 'tabular', type: 'float32', shape: [classes] }];
    const base = problem({
      inputs,
      model: { type: 'logistic' },
      rows,
      regularizers: epsilon === 0 ? [] : [{ type: 'label-smoothing', strength: epsilon }],
      training: { batchSize: rows },
    });
    const given = {
      ...base,
      classes: Array.from({ length: classes }, (_, i) => `${i}`),
      // The identity as the network: its outputs are the features.
      graph: {
        ...base.graph,
        initializers: new Map([
          ['output.weight', float32([classes, classes], identity(classes))],
          ['output.bias', float32([classes], new Float32Array(classes))],
        ]),
        outputs: base.graph.outputs.map((info) => ({ ...info, shape: ['batch', classes] })),
      },
      data: {
        ...base.data,
        inputs: { features: float32([rows, classes], logits.flat()) },
        target: int64([rows], labels),
      },
    };
    const description = describeStep(given, sgd({ momentum: 0, nesterov: false }), {
      classWeights: classWeights ?? undefined,
    });
    const probe = await probeStep(await openRuntime(), given, description, { double: true, rate: 1 });
    expect(Math.abs((await probe.loss(probe.initial)) - golden.loss)).toBeLessThan(1e-7 * golden.loss);
    // d loss / d W = X' G where G is PyTorch's gradient by the logits.
    const updated = await probe.update(probe.initial);
    for (let i = 0; i < classes; i++) {
      for (let j = 0; j < classes; j++) {
        const expected = logits.reduce((sum, row, r) => sum + Math.fround(row[i]) * golden.gradient[r][j], 0);
        const found =
          probe.initial.get('output.weight')![i * classes + j] - updated.get('output.weight')![i * classes + j];
        expect(Math.abs(found - expected)).toBeLessThan(1e-6);
      }
    }
    probe.release();
  });
});

function identity(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}
