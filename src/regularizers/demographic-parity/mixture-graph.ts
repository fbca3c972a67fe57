import { VOTES } from '../../data/preprocess/export.js';
import { type Graph, int } from '../../graph/model.js';
import { renameValues } from '../../graph/rename.js';
import { int64 } from '../../graph/tensor.js';
import { appended, NodeBuilder } from '../predictive.js';

/**
 * A mixture of classifiers as one graph. Its logits are the logarithm of the weighted mean of their probabilities, which a
 * softmax leaves as it is; beside them stand the weighted `votes`: a class drawn by these is the randomized classifier.
 *
 * @param members graphs with the same inputs and the same names
 * @param weights of the members, above 0; they add up to 1
 */
export function mixtureGraph(members: readonly Graph[], weights: ArrayLike<number>, classes: number): Graph {
  const [first] = members;
  const inputs = new Set(first.inputs.filter(({ name }) => !first.initializers.has(name)).map(({ name }) => name));
  const copies = members.map((graph, k) =>
    renameValues(graph, (name) => (inputs.has(name) ? name : `member.${k}.${name}`), `member.${k}.`),
  );
  const list = new NodeBuilder('mixture');
  const depth = list.constant('classes', int64([1], [classes]));
  const onOff = list.constant('onOff', { type: 'float32', shape: [2], data: Float32Array.of(0, 1) });
  const logs: string[] = [];
  const votes: string[] = [];
  copies.forEach(({ outputs: [{ name }] }, k) => {
    const said = list.add('LogSoftmax', [list.add('Flatten', [name], { axis: int(1) })], { axis: int(-1) });
    const weighted = list.add('Add', [said, list.scalar(Math.log(weights[k]))]);
    logs.push(list.add('Unsqueeze', [weighted, list.axes(1)]));
    const decided = list.add('ArgMax', [name], { axis: int(1), keepdims: int(0) });
    votes.push(
      list.add('Mul', [list.add('OneHot', [decided, depth, onOff], { axis: int(-1) }), list.scalar(weights[k])]),
    );
  });
  const [{ name, shape }] = first.outputs;
  const stacked = logs.length === 1 ? logs[0] : list.add('Concat', logs, { axis: int(1) });
  list.add('ReduceLogSumExp', [stacked, list.axes(1)], { keepdims: int(0) }, name);
  list.add('Sum', votes, {}, VOTES);
  const joined: Graph = {
    ...first,
    inputs: first.inputs.filter((input) => inputs.has(input.name)),
    outputs: [{ name, type: 'float32', shape }],
    initializers: new Map(copies.flatMap((copy) => [...copy.initializers])),
    nodes: copies.flatMap((copy) => copy.nodes),
    valueInfo: new Map(),
  };
  return appended(joined, list, [{ name: VOTES, type: 'float32', shape: ['batch', classes] }]);
}
