import {
  float32,
  type Graph,
  graphAttribute,
  int64,
  type Model,
  type Node,
  type ValueInfo,
  writeModel,
} from '../../src/graph/index.js';
import type { Store } from '../../src/store/index.js';

const node = (opType: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = {}): Node => ({
  name: `${opType}-${outputs[0]}`,
  opType,
  domain: '',
  inputs,
  outputs,
  attributes,
});

const column = (name: string): ValueInfo => ({ name, type: 'float32', shape: ['batch', 1] });

function model(graph: Omit<Graph, 'valueInfo'>, metadata: Record<string, string> = {}): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'test', version: '' },
    graph: { ...graph, valueInfo: new Map() },
    metadata: new Map(Object.entries(metadata)),
  };
}

/** `prediction` = slope * x: a version can be told by its slope. */
export function line(slope: number, metadata: Record<string, string> = {}): Model {
  return model(
    {
      name: 'line',
      inputs: [column('x')],
      outputs: [column('prediction')],
      initializers: new Map([['slope', float32([], [slope])]]),
      nodes: [node('Mul', ['x', 'slope'], ['prediction'])],
    },
    metadata,
  );
}

/** `prediction` = x, after turning in a circle as often as the largest x of the batch says: a request may never end. */
export function circle(): Model {
  const body: Graph = {
    name: 'body',
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
  return model({
    name: 'circle',
    inputs: [column('x')],
    outputs: [column('prediction')],
    initializers: new Map([['axes', int64([2], [0, 1])]]),
    nodes: [
      node('ReduceMax', ['x', 'axes'], ['largest'], { keepdims: { kind: 'int', value: 0 } }),
      node('Cast', ['largest'], ['turns'], { to: { kind: 'int', value: 7 } }),
      node('Loop', ['turns', '', 'x'], ['prediction'], { body: graphAttribute(body) }),
    ],
  });
}

/** A classifier of two texts and a number: scores are the softmax of [x, 0]. */
export function classifier(): Model {
  return model(
    {
      name: 'classifier',
      inputs: [column('x'), { name: 'city', type: 'string', shape: ['batch', 1] }],
      outputs: [
        { name: 'probabilities', type: 'float32', shape: ['batch', 2] },
        { name: 'place', type: 'string', shape: ['batch', 1] },
      ],
      initializers: new Map([['weights', float32([1, 2], [1, 0])]]),
      nodes: [
        node('MatMul', ['x', 'weights'], ['logits']),
        node('Softmax', ['logits'], ['probabilities'], { axis: { kind: 'int', value: 1 } }),
        node('Identity', ['city'], ['place']),
      ],
    },
    { 'ballast.classes': JSON.stringify(['yes', 'no']) },
  );
}

/** Registers models as the next versions of a name, and returns their numbers. */
export async function register(store: Store, name: string, ...models: Model[]): Promise<number[]> {
  const numbers: number[] = [];
  for (const each of models) {
    const runId = await store.createRun({
      name,
      kind: 'train',
      spec: {},
      seed: 1,
      datasetName: null,
      dataVersion: null,
      regularizerId: `rg-${name}`,
      manifest: {},
      environment: {},
    });
    await store.putArtifact(runId, 'model/model.onnx', writeModel(each));
    await store.finishRun(runId, 'finished');
    const from = { kind: 'run' as const, runId, path: 'model' };
    numbers.push((await store.createVersion({ name, source: `runs:/${runId}`, from })).version);
  }
  return numbers;
}
