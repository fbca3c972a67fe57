import { expect, it } from 'vitest';
import { FEATURES, openRuntimes } from '../../test/support/training-problem.js';
import { GraphBuilder, type Value } from '../graph/builder.js';
import { float32 } from '../graph/tensor.js';
import { derive } from '../numeric/random.js';
import { withInferenceStatistics } from './inference-statistics.js';
import { bindData } from './program.js';
import { runGraph } from './run-graph.js';

const ROWS = 300;
const stream = derive('inference-statistics', 1);
const drawn = (...shape: number[]) =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => stream.normal()),
  );

/** Two normalizations, the second behind the first, with statistics of something else; dropping before both. */
function network() {
  const b = new GraphBuilder('two-normalizations');
  const normalized = (name: string, x: Value): Value => {
    const constant = (what: string, value: number): Value =>
      b.initializer(`${name}.${what}`, float32([x.shape[1]], new Float32Array(x.shape[1]).fill(value)));
    return b.op('BatchNormalization', [
      x,
      ...(
        [
          ['scale', 1],
          ['shift', 0],
          ['mean', 3],
          ['variance', 40],
        ] as const
      ).map(([what, value]) => constant(what, value)),
    ]);
  };
  const dropped = (x: Value): Value => b.op('Dropout', [x, b.scalar(0.5, 'float32')]);
  const x = b.input('features', 'float32', [256, 7]);
  const first = normalized('first', dropped(b.op('MatMul', [x, b.initializer('w1', drawn(7, 5))])));
  const hidden = b.op('Relu', [first]);
  b.output('y', normalized('second', dropped(b.op('MatMul', [hidden, b.initializer('w2', drawn(5, 4))]))));
  return b.model().graph;
}

it('every normalization then answers the rows with mean 0 and variance 1', async () => {
  const { ffi } = await openRuntimes();
  const data = bindData(ffi, { features: drawn(ROWS, 7) });
  // Of 300 rows 290: no multiple of a batch, and not all of what is bound.
  const run = { inputs: FEATURES, data, rows: Int32Array.from({ length: 290 }, (_, i) => i), session: { threads: 1 } };
  const graph = network();
  const settled = await withInferenceStatistics(ffi, graph, run);
  const answers = await runGraph(ffi, settled, run);
  for (let channel = 0; channel < 4; channel++) {
    const values = Array.from({ length: 290 }, (_, row) => answers[row * 4 + channel]);
    const mean = values.reduce((sum, value) => sum + value, 0) / 290;
    expect(mean).toBeCloseTo(0, 5);
    expect(values.reduce((sum, value) => sum + value * value, 0) / 290).toBeCloseTo(1, 4);
  }
  expect(settled.initializers.get('w1')).toBe(graph.initializers.get('w1'));
  for (const tensor of Object.values(data.tensors)) tensor.release();
});
