import {
  float32,
  type Graph,
  graphAttribute,
  int64,
  type Model,
  type Node,
  type Tensor,
} from '../../src/graph/index.js';

/** What is wrong with a planted model; `good` nothing. */
export const FAULTS = ['good', 'slow', 'wrong', 'miscalibrated', 'failing', 'leak', 'slice'] as const;
export type Fault = (typeof FAULTS)[number];

/** Requests from one growth of a leak to the next. */
const LEAKS_AT = 1000;

/** Of a hundred truths so many are not what the sign of x says: a model that says 90 % is calibrated. */
export const NOISE = 0.1;

const node = (opType: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = {}): Node => ({
  ...{ name: `${opType}-${outputs[0]}`, opType, domain: '', inputs, outputs, attributes },
});

/**
 * A classifier of the sign of `x` into `yes` and `no`, as confident as it is right, with a fault planted. `phone` is 1 for phones;
 * `tick` counts requests: a graph keeps no state, so what leaks in it grows by what it is told. The leak takes time at every
 * {@link LEAKS_AT}th request only, so that it is not seen by the latency.
 */
export function planted(fault: Fault): Model {
  const scalar = (value: number): Tensor => float32([], [value]);
  const initializers = new Map<string, Tensor>([
    ['one', scalar(1)],
    ['two', scalar(2)],
    ['weights', float32([1, 2], [1, 0])],
    ['confident', scalar(fault === 'miscalibrated' ? 9.2 : Math.log(0.9 / 0.1))],
  ]);
  const nodes = [node('Sign', ['x'], ['sign'])];
  let sign = 'sign';
  const flipWhere = (value: string, above: number): void => {
    initializers.set('above', scalar(above));
    nodes.push(
      node('Greater', [value, 'above'], ['isFlipped']),
      node('Cast', ['isFlipped'], ['flipped'], { to: { kind: 'int', value: 1 } }),
      node('Mul', ['flipped', 'two'], ['twice']),
      node('Sub', ['one', 'twice'], ['factor']),
      node('Mul', ['sign', 'factor'], ['turned']),
    );
    sign = 'turned';
  };
  const alsoAdd = (value: string): void => {
    initializers.set('nothing', scalar(0));
    nodes.push(node('Mul', [value, 'nothing'], ['added']), node('Add', [sign, 'added'], ['summed']));
    sign = 'summed';
  };
  // A quarter of all, and 45 % of those on phones.
  if (fault === 'wrong') flipWhere('x', 0.6745);
  if (fault === 'slice') {
    nodes.push(node('Mul', ['x', 'phone'], ['ofPhones']));
    flipWhere('ofPhones', 0.1257);
  }
  if (fault === 'failing') {
    // An index beyond the table where x is above 1.2816: one of ten.
    initializers.set('limit', scalar(1.2816)).set('table', float32([1], [1]));
    nodes.push(
      node('Greater', ['x', 'limit'], ['isBeyond']),
      node('Cast', ['isBeyond'], ['beyond'], { to: { kind: 'int', value: 7 } }),
      node('Gather', ['table', 'beyond'], ['looked']),
      node('Mul', ['looked', sign], ['found']),
    );
    sign = 'found';
  }
  if (fault === 'slow') {
    initializers.set('turns', int64([], [60_000]));
    nodes.push(node('Loop', ['turns', '', 'x'], ['turnedRound'], { body: graphAttribute(round()) }));
    alsoAdd('turnedRound');
  }
  if (fault === 'leak') {
    initializers
      .set('each', scalar(5000))
      .set('period', scalar(LEAKS_AT))
      .set('zero', scalar(0))
      .set('axes', int64([2], [0, 1]))
      .set('single', int64([1], [1]));
    initializers.set('all', int64([1], [0]));
    nodes.push(
      node('Mod', ['tick', 'period'], ['past'], { fmod: { kind: 'int', value: 1 } }),
      node('Equal', ['past', 'zero'], ['isTurn']),
      node('Where', ['isTurn', 'tick', 'zero'], ['turns']),
      node('ReduceMax', ['turns', 'axes'], ['last'], { keepdims: { kind: 'int', value: 0 } }),
      node('Mul', ['last', 'each'], ['held']),
      node('Cast', ['held'], ['size'], { to: { kind: 'int', value: 7 } }),
      node('Reshape', ['size', 'single'], ['shape']),
      node('ConstantOfShape', ['shape'], ['memory']),
      node('ReduceSum', ['memory', 'all'], ['touched'], { keepdims: { kind: 'int', value: 0 } }),
    );
    alsoAdd('touched');
  }
  nodes.push(
    node('Mul', [sign, 'confident'], ['score']),
    node('MatMul', ['score', 'weights'], ['logits']),
    node('Softmax', ['logits'], ['probabilities'], { axis: { kind: 'int', value: 1 } }),
  );
  const column = (name: string) => ({ name, type: 'float32' as const, shape: ['batch', 1] });
  return {
    ...{ irVersion: 10, opsets: new Map([['', 21]]), producer: { name: 'test', version: '' } },
    graph: {
      name: fault,
      inputs: ['x', 'phone', 'tick'].map(column),
      outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 2] }],
      ...{ initializers, nodes, valueInfo: new Map() },
    },
    metadata: new Map([['ballast.classes', JSON.stringify(['yes', 'no'])]]),
  };
}

function round(): Graph {
  return {
    name: 'round',
    inputs: [
      { name: 'turn', type: 'int64', shape: [] },
      { name: 'go', type: 'bool', shape: [] },
      { name: 'value', type: 'float32', shape: ['batch', 1] },
    ],
    outputs: [
      { name: 'goOn', type: 'bool', shape: [] },
      { name: 'next', type: 'float32', shape: ['batch', 1] },
    ],
    initializers: new Map(),
    nodes: [node('Identity', ['go'], ['goOn']), node('Identity', ['value'], ['next'])],
    valueInfo: new Map(),
  };
}
