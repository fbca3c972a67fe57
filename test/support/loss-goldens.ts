import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import { float32, int64 } from '../../src/graph/tensor.js';
import { sgd } from '../../src/training/optimizers.js';
import { probeStep } from './step-probe.js';
import { describeStep } from './stepper.js';
import { type Inputs, problem } from './training-problem.js';

/** Losses of rows and the gradient of their mean by the logits, as another library computes them. */
interface LossGolden {
  readonly options: Readonly<Record<string, unknown>>;
  readonly strength: number;
  readonly logits: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly losses: readonly number[];
  readonly gradient: readonly (readonly number[])[];
}

/** One test for each case of `goldens/losses.json` beside the test: mean loss and gradient of a step in double precision. */
export function testLossGoldens(type: string, test: string): void {
  const url = new URL('./goldens/losses.json', test);
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: readonly LossGolden[] };
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const { options, strength, logits, labels, losses, gradient } = golden;
    const [rows, classes] = [logits.length, logits[0].length];
    const inputs: Inputs = [{ name: 'features', content: 'tabular', type: 'float32', shape: [classes] }];
    const base = problem({
      inputs,
      model: { type: 'logistic' },
      rows,
      regularizers: [{ type, strength, ...options }],
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
    const probe = await probeStep(
      await openRuntime(),
      given,
      describeStep(given, sgd({ momentum: 0, nesterov: false })),
      { double: true, rate: 1 },
    );
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / rows;
    // Logits and strengths are float32 in the data.
    expect(Math.abs((await probe.loss(probe.initial)) - mean)).toBeLessThan(2e-7 * mean);
    // d loss / d W = X' G where G is the other library's gradient by the logits.
    const updated = await probe.update(probe.initial);
    for (let i = 0; i < classes; i++) {
      for (let j = 0; j < classes; j++) {
        const expected = logits.reduce((sum, row, r) => sum + Math.fround(row[i]) * gradient[r][j], 0);
        const found =
          probe.initial.get('output.weight')![i * classes + j] - updated.get('output.weight')![i * classes + j];
        expect(Math.abs(found - expected)).toBeLessThan(1e-6);
      }
    }
    probe.release();
  });
}

function identity(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}
