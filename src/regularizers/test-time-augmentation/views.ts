import { GraphBuilder, type Value } from '../../graph/builder.js';
import { type Graph, graphAttribute, int, type Node } from '../../graph/model.js';
import { renameValues } from '../../graph/rename.js';
import { type DataType, float32, int64, type Tensor, tensor } from '../../graph/tensor.js';
import { augmentBatch } from '../augmentation-graph.js';
import type { Active, InputDescription } from '../regularizer.js';

/** Products of batches by the operators of ONNX itself: an exported model knows no others. */
class PortableBuilder extends GraphBuilder {
  override batchMatMul(
    a: Value,
    b: Value,
    { transA = false, transB = false, alpha = 1 }: Parameters<GraphBuilder['batchMatMul']>[2] = {},
  ): Value {
    const product = this.matMul(transA ? this.swapLast(a) : a, transB ? this.swapLast(b) : b);
    return alpha === 1 ? product : this.mul(product, alpha);
  }
}

export interface ViewsSetting {
  /** Inputs of the network. */
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  /** All that act in training, in their order. */
  readonly active: readonly Active[];
  readonly views: number;
  readonly seed: number;
}

/** Of every name in the graph that is not the network's own. */
const OWN = 'views.';

/** The graph that makes `views` views of one row, the row itself first: each input [...] -> [views, ...]. */
function viewsOfRow({ inputs, active, views, seed }: ViewsSetting): Graph {
  const b = new PortableBuilder('views');
  const rows = views - 1;
  const row = inputs.map(({ name, type, shape }) => b.unsqueeze(b.input(name, type, shape), [0]));
  const copies = Object.fromEntries(
    inputs.map(({ name, shape }, i) => [name, b.expand(row[i], [rows, ...shape])] as const),
  );
  const key = (value: number): Value => b.constant(tensor('uint32', [1], Uint32Array.of(value)));
  const { made } = augmentBatch(b, active, copies, { inputs, rows, seed: key(seed), step: key(0) });
  inputs.forEach(({ name }, i) => {
    b.output(`made.${name}`, b.concat([row[i], made[name]], 0));
  });
  return renameValues(b.graph(), (value) => `${OWN}${value}`, OWN);
}

/**
 * A network that predicts by the mean over views of each row: the row itself and random changes of it, drawn once from the
 * seed and the same for every row. In classification the output is the logarithm of the mean probability, which a softmax
 * leaves as it is. Other outputs (uncertainties) are those of the row itself.
 *
 * @param outputs of the network: classes, or 1
 */
export function overViews(
  graph: Graph,
  setting: ViewsSetting & { readonly task: 'classification' | 'regression'; readonly outputs: number },
): Graph {
  const { views, task, outputs } = setting;
  const initializers = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const add = (
    opType: string,
    inputs: readonly string[],
    name: string,
    attributes: Node['attributes'] = {},
  ): string => {
    nodes.push({ name: `${OWN}node.${nodes.length}`, opType, domain: '', inputs, outputs: [name], attributes });
    return name;
  };
  const constant = (label: string, value: Tensor): string => {
    initializers.set(`${OWN}${label}`, value);
    return `${OWN}${label}`;
  };
  const extents = (label: string, shape: readonly number[]): string => constant(label, int64([shape.length], shape));
  const fed = setting.inputs.filter(({ name }) => graph.inputs.some((input) => input.name === name));
  const body = viewsOfRow({ ...setting, inputs: fed });
  nodes.push({
    name: `${OWN}rows`,
    opType: 'Scan',
    domain: '',
    inputs: fed.map(({ name }) => name),
    outputs: fed.map(({ name }) => `${OWN}of.${name}`),
    attributes: { body: graphAttribute(body), num_scan_inputs: int(fed.length) },
  });
  const within = new Map<string, string>();
  for (const { name, shape } of fed) {
    const all = extents(`shape.${name}`, [-1, ...shape]);
    within.set(name, add('Reshape', [`${OWN}of.${name}`, all], `${OWN}in.${name}`));
  }
  for (const { name } of graph.outputs) within.set(name, `${OWN}out.${name}`);
  const network = renameValues(graph, (name) => within.get(name) ?? name);
  nodes.push(...network.nodes);
  graph.outputs.forEach(({ name }, i) => {
    const width = i === 0 ? outputs : 1;
    const each = add('Reshape', [`${OWN}out.${name}`, extents(`each.${i}`, [-1, views, width])], `${OWN}each.${name}`);
    if (i > 0) add('Gather', [each, constant('itself', int64([], [0]))], name, { axis: int(1) });
    else if (task === 'regression') add('ReduceMean', [each, extents('axis', [1])], name, { keepdims: int(0) });
    else {
      const logs = add('LogSoftmax', [each], `${OWN}logs`, { axis: int(2) });
      const sum = add('ReduceLogSumExp', [logs, extents('axis', [1])], `${OWN}sum`, { keepdims: int(0) });
      add('Sub', [sum, constant('count', float32([], [Math.log(views)]))], name);
    }
  });
  return {
    ...graph,
    initializers: new Map([...network.initializers, ...initializers]),
    nodes,
    valueInfo: new Map(),
  };
}
