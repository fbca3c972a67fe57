import { NodeList } from '../../data/preprocess/node-list.js';
import { BallastError } from '../../errors.js';
import { int, type Model, type ValueInfo } from '../../graph/model.js';
import type { ConformalMap, IntervalMap, SetMap } from './conformal.js';

/**
 * The model with what it promises as further outputs: `predictionSet` bool [N, classes] beside probabilities or logits,
 * `lower` and `upper` beside a prediction; predicted quantiles are widened in their place.
 *
 * @param output of the model that the map was fitted to; of two classes it has two columns
 * @throws BallastError CONFORMAL_OUTPUT
 */
export function withConformal(
  model: Model,
  output: { readonly name: string; readonly kind: 'logits' | 'probabilities' | 'predictions' },
  map: ConformalMap,
  classes: number,
): Model {
  if (map.kind === 'quantile') return widened(model, map);
  const info = model.graph.outputs.find(({ name }) => name === output.name);
  const taken = new Set(model.graph.outputs.map(({ name }) => name));
  const added = map.kind === 'residual' || map.kind === 'scaled' ? ['lower', 'upper'] : ['predictionSet'];
  if (info === undefined || added.some((name) => taken.has(name))) {
    throw new BallastError(`the model has no output "${output.name}" to promise something of, or promises already`, {
      code: 'CONFORMAL_OUTPUT',
      remedy: `Outputs are ${[...taken].join(', ')}`,
    });
  }
  const list = new NodeList('conformal/');
  const outputs =
    map.kind === 'residual' || map.kind === 'scaled'
      ? addInterval(list, info, map)
      : addSet(list, info, output.kind, map, classes);
  return extended(model, list, [...model.graph.outputs, ...outputs]);
}

function extended(model: Model, list: NodeList, outputs: readonly ValueInfo[], nodes = model.graph.nodes): Model {
  const initializers = new Map([...model.graph.initializers, ...list.initializers]);
  return { ...model, graph: { ...model.graph, outputs, initializers, nodes: [...nodes, ...list.nodes] } };
}

/** Two outputs of predicted quantiles, moved apart under their own names. */
function widened(model: Model, { outputs, widening }: Extract<IntervalMap, { kind: 'quantile' }>): Model {
  const list = new NodeList('conformal/');
  let { nodes } = model.graph;
  outputs.forEach((name, end) => {
    const raw = `${name}.quantile`;
    const producer = nodes.findIndex((node) => node.outputs.includes(name));
    if (producer < 0 || !model.graph.outputs.some((output) => output.name === name)) {
      throw new BallastError(`the model computes no output "${name}"`, {
        code: 'CONFORMAL_OUTPUT',
        remedy: `Outputs are ${model.graph.outputs.map((output) => output.name).join(', ')}`,
      });
    }
    nodes = nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((input) => (input === name ? raw : input)),
      outputs: node.outputs.map((output) => (output === name ? raw : output)),
    }));
    list.name(end === 0 ? 'Sub' : 'Add', [raw, list.floats(widening)], name);
  });
  return extended(model, list, model.graph.outputs, nodes);
}

function addInterval(list: NodeList, info: ValueInfo, map: Exclude<IntervalMap, { kind: 'quantile' }>): ValueInfo[] {
  const half =
    map.kind === 'residual' ? list.floats(map.halfWidth) : list.op('Mul', [map.deviation, list.floats(map.factor)]);
  list.name('Sub', [info.name, half], 'lower');
  list.name('Add', [info.name, half], 'upper');
  return [
    { ...info, name: 'lower' },
    { ...info, name: 'upper' },
  ];
}

function addSet(
  list: NodeList,
  info: ValueInfo,
  kind: 'logits' | 'probabilities' | 'predictions',
  map: SetMap,
  classes: number,
): ValueInfo[] {
  if (info.shape?.at(-1) !== classes) {
    throw new BallastError(`prediction sets need a column for each of the ${classes} classes in "${info.name}"`, {
      code: 'CONFORMAL_OUTPUT',
      remedy: 'Name an output that has them with --output',
    });
  }
  const wide = list.op('Cast', [info.name], { to: int(1) });
  const p = kind === 'logits' ? list.op('Softmax', [wide], { axis: int(1) }) : wide;
  // A rounding error must not cost the class at the very threshold its place.
  const slack = 1e-6;
  if (map.kind === 'aps') {
    const mass = massUpTo(list, p, classes);
    list.name('LessOrEqual', [mass, list.floats(map.threshold + slack)], 'predictionSet');
  } else {
    const thresholds = map.kind === 'lac' ? Array<number>(classes).fill(map.threshold) : map.thresholds;
    const least = list.floats(thresholds.map((threshold) => 1 - threshold - slack));
    list.name('GreaterOrEqual', [p, least], 'predictionSet');
  }
  return [{ name: 'predictionSet', type: 'bool', shape: [info.shape?.[0] ?? null, classes] }];
}

/** [N, K] -> of each class the probability of it and of all above it, equals by their order. */
function massUpTo(list: NodeList, p: string, classes: number): string {
  const own = list.op('Unsqueeze', [p, list.integers([2])]);
  const others = list.op('Unsqueeze', [p, list.integers([1])]);
  const before = list.constant({
    type: 'bool',
    shape: [1, classes, classes],
    data: Uint8Array.from({ length: classes * classes }, (_, i) => (i % classes < Math.floor(i / classes) ? 1 : 0)),
  });
  const tied = list.op('And', [list.op('Equal', [others, own]), before]);
  const above = list.op('Or', [list.op('Greater', [others, own]), tied]);
  const mass = list.op('Mul', [list.op('Cast', [above], { to: int(1) }), others]);
  const sum = list.op('ReduceSum', [mass, list.integers([2])], { keepdims: int(0) });
  return list.op('Add', [sum, p]);
}
