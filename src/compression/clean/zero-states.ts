import { removeDeadCode } from '../../graph/format/dead-code.js';
import type { Graph, Model, Node } from '../../graph/model.js';
import { sizeOf, type Tensor } from '../../graph/tensor.js';
import { constantsOf } from '../graph/uses.js';

/** Operators that only move the elements of their first input, or of all inputs. */
const MOVING = new Set([
  'Expand',
  'Slice',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Transpose',
  'Gather',
  'Identity',
  'Split',
  'Tile',
]);

/**
 * Recurrent layers without first states that are computed to be 0, as exporters write them: so they are where none are given. What
 * computed them for layers together is gone then.
 */
export function withoutZeroStates(model: Model): Model {
  const { graph } = model;
  if (!graph.nodes.some(isRecurrent)) return model;
  const zeros = zerosOf(graph);
  const nodes = graph.nodes.map((node): Node => {
    if (!isRecurrent(node)) return node;
    const inputs = node.inputs.map((name, i) =>
      (i === 5 || (i === 6 && node.opType === 'LSTM')) && zeros.has(name) ? '' : name,
    );
    while (inputs.at(-1) === '') inputs.pop();
    return { ...node, inputs };
  });
  return { ...model, graph: removeDeadCode({ ...graph, nodes }) };
}

const isRecurrent = ({ opType, domain }: Node): boolean => domain === '' && /^(RNN|GRU|LSTM)$/.test(opType);

/** Values of which every element is 0, whatever the rows. */
function zerosOf(graph: Graph): ReadonlySet<string> {
  const zeros = new Set([...constantsOf(graph)].filter(([, value]) => isZero(value)).map(([name]) => name));
  for (const { domain, opType, inputs, outputs, attributes } of graph.nodes) {
    if (domain !== '') continue;
    const value = attributes.value?.kind === 'tensor' ? attributes.value.value : undefined;
    const zero =
      (opType === 'ConstantOfShape' && (value === undefined || isZero(value))) ||
      (opType === 'Concat' && inputs.every((name) => zeros.has(name))) ||
      (MOVING.has(opType) && zeros.has(inputs[0]));
    if (zero) for (const name of outputs) zeros.add(name);
  }
  return zeros;
}

const isZero = ({ shape, data }: Tensor): boolean =>
  sizeOf(shape) > 0 && Array.prototype.every.call(data, (x: unknown) => Number(x) === 0);
