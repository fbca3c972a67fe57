import type { Value } from '../graph/builder.js';
import { inline } from '../graph/inline.js';
import type { Graph, Node } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { sizeOf } from '../graph/tensor.js';
import { type RowRun, sumOverRows } from './run-graph.js';

/**
 * A trained network whose batch normalizations have the statistics of these rows as inference sees them, nothing dropped or
 * disturbed: what training recorded was of disturbed values (Li et al., CVPR 2019). One normalization after the other, so
 * that each sees what those before it answer now. Weights stay as they are.
 *
 * @param graph in inference mode
 */
export async function withInferenceStatistics(runtime: Runtime, graph: Graph, run: RowRun): Promise<Graph> {
  let settled = graph;
  for (const node of graph.nodes) {
    if (node.opType === 'BatchNormalization') settled = await settleOne(runtime, settled, node, run);
  }
  return settled;
}

async function settleOne(runtime: Runtime, graph: Graph, node: Node, run: RowRun): Promise<Graph> {
  let positions = 0;
  const sums = await sumOverRows(runtime, run, (b, { inputs, weight }) => {
    let seen: Value | undefined;
    inline(b, graph, {
      inputs,
      prefix: 'model.',
      replace: (each, [x]) => {
        if (each.outputs[0] === node.outputs[0]) seen = x;
        return each.opType === 'Dropout' ? [x!] : undefined;
      },
    });
    const x = seen!;
    positions = sizeOf(x.shape.slice(2));
    const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const counted = b.mul(x, b.reshape(weight, [x.shape[0], ...x.shape.slice(1).map(() => 1)]));
    return {
      rows: b.reduceSum(weight),
      first: b.reduceSum(counted, axes),
      second: b.reduceSum(b.mul(counted, x), axes),
    };
  });
  const count = sums.get('rows')![0] * positions;
  const mean = sums.get('first')!.map((sum) => sum / count);
  const variance = sums.get('second')!.map((sum, i) => Math.max(0, sum / count - mean[i] ** 2));
  const initializers = new Map(graph.initializers);
  for (const [name, values] of [
    [node.inputs[3], mean],
    [node.inputs[4], variance],
  ] as const) {
    initializers.set(name, { type: 'float32', shape: [values.length], data: Float32Array.from(values) });
  }
  return { ...graph, initializers };
}
