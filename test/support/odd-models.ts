import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel } from '../../src/graph/format/encode.js';
import { writeModelFile } from '../../src/graph/format/file.js';
import {
  type Attribute,
  float,
  type Graph,
  graphAttribute,
  int,
  ints,
  type Model,
  type Node,
  strings,
  tensorAttribute,
  type ValueInfo,
} from '../../src/graph/model.js';
import { float32, float64, int64, type Tensor, tensor } from '../../src/graph/tensor.js';
import { derive } from '../../src/numeric/random.js';

/** Models as others write them: each a classifier of two classes from two numbers, by `scores` or `odds`. */

const node = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Record<string, Attribute> = {},
  domain = '',
): Node => ({ name: `${outputs[0]}_node`, opType, domain, inputs, outputs, attributes });

const stream = derive('odd models');
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => 0.3 * stream.normal());
/** Spends much: the second class. */
const FIRST = Float32Array.from({ length: 16 }, (_, i) => (i < 8 ? (i % 2 === 0 ? 0.2 : -0.2) : 0.01));
const WEIGHTS: [string, Tensor][] = [
  ['w', float32([2, 8], FIRST)],
  ['b', float32([8], numbers(8))],
  [
    'v',
    float32(
      [8, 2],
      Float32Array.from({ length: 16 }, (_, i) => ((i >> 1) % 2 === i % 2 ? -0.3 : 0.3)),
    ),
  ],
];
const INPUT: ValueInfo = { name: 'features', type: 'float32', shape: ['n', 2] };
const SCORES: ValueInfo = { name: 'scores', type: 'float32', shape: ['n', 2] };
const BODY = [
  node('MatMul', ['features', 'w'], ['product']),
  node('Add', ['product', 'b'], ['sum']),
  node('Relu', ['sum'], ['hidden']),
  node('MatMul', ['hidden', 'v'], ['scores']),
];

interface Changes extends Partial<Graph> {
  readonly opset?: number;
  readonly ir?: number;
  readonly domains?: Record<string, number>;
}

function odd({ opset = 17, ir = 8, domains = {}, ...changes }: Changes = {}): Model {
  return {
    irVersion: ir,
    opsets: new Map([['', opset], ...Object.entries(domains)]),
    producer: { name: 'elsewhere', version: '1' },
    metadata: new Map(),
    graph: {
      ...{ name: 'odd', inputs: [INPUT], outputs: [SCORES], initializers: new Map(WEIGHTS), nodes: BODY },
      ...{ valueInfo: new Map(), ...changes },
    },
  };
}

/** Between the layers, what an opset writes differently. */
function ofOpset(opset: number): Model {
  const between: Node[] =
    opset < 11
      ? [node('Clip', ['hidden'], ['clipped'], { min: float(0), max: float(6) })]
      : [node('Clip', ['hidden', 'low', 'high'], ['clipped'])];
  const dropped =
    opset < 12
      ? node('Dropout', ['clipped'], ['kept'], { ratio: float(0.5) })
      : node('Dropout', ['clipped', 'half'], ['kept']);
  const squeezed =
    opset < 13
      ? [
          node('Unsqueeze', ['kept'], ['wide'], { axes: ints([1]) }),
          node('Squeeze', ['wide'], ['flat'], { axes: ints([1]) }),
        ]
      : [node('Unsqueeze', ['kept', 'one'], ['wide']), node('Squeeze', ['wide', 'one'], ['flat'])];
  const nodes = [
    ...BODY.slice(0, 3),
    ...between,
    dropped,
    ...squeezed,
    node('MatMul', ['flat', 'v'], ['scores']),
    node('Softmax', ['scores'], ['odds'], { axis: int(1) }),
  ];
  const constants: [string, Tensor][] = [
    ...(opset < 11
      ? []
      : ([
          ['low', float32([], [0])],
          ['high', float32([], [6])],
        ] as [string, Tensor][])),
    ...(opset < 12 ? [] : ([['half', float32([], [0.5])]] as [string, Tensor][])),
    ...(opset < 13 ? [] : ([['one', int64([1], [1])]] as [string, Tensor][])),
  ];
  return odd({
    opset,
    ir: opset > 24 ? 13 : opset > 21 ? 10 : opset < 9 ? 4 : 8,
    nodes,
    initializers: new Map([...WEIGHTS, ...constants]),
  });
}

function zipMap(): Model {
  const map: ValueInfo = {
    ...{ name: 'output_probability', type: 'float32', shape: undefined },
    container: {
      kind: 'sequence',
      element: { kind: 'map', key: 'string', value: { kind: 'tensor', type: 'float32', shape: [] } },
    },
  };
  return odd({
    domains: { 'ai.onnx.ml': 2 },
    outputs: [map],
    nodes: [
      ...BODY,
      node('Softmax', ['scores'], ['probabilities'], { axis: int(1) }),
      node(
        'ZipMap',
        ['probabilities'],
        ['output_probability'],
        { classlabels_strings: strings(['basic', 'gold']) },
        'ai.onnx.ml',
      ),
    ],
  });
}

/** One of two layers, by a number of the row at hand. */
function branching(): Model {
  const branch = (weight: string): Graph => ({
    ...{ name: weight, inputs: [], initializers: new Map<string, Tensor>([[`inner_${weight}`, float32([1], [0])]]) },
    outputs: [{ name: `out_${weight}`, type: 'float32', shape: ['n', 2] }],
    nodes: [
      node('MatMul', ['hidden', weight], [`made_${weight}`]),
      node('Add', [`made_${weight}`, `inner_${weight}`], [`out_${weight}`]),
    ],
    valueInfo: new Map(),
  });
  return odd({
    initializers: new Map<string, Tensor>([...WEIGHTS, ['u', WEIGHTS[2][1]], ['zero', float32([], [0])]]),
    nodes: [
      ...BODY.slice(0, 3),
      node('ReduceMax', ['hidden'], ['most'], { keepdims: int(0) }),
      node('Greater', ['most', 'zero'], ['any']),
      node('If', ['any'], ['scores'], {
        then_branch: graphAttribute(branch('v')),
        else_branch: graphAttribute(branch('u')),
      }),
    ],
  });
}

function looping(): Model {
  const body: Graph = {
    name: 'body',
    inputs: [
      { name: 'i', type: 'int64', shape: [] },
      { name: 'go', type: 'bool', shape: [] },
      { name: 'carried', type: 'float32', shape: ['n', 2] },
    ],
    outputs: [
      { name: 'on', type: 'bool', shape: [] },
      { name: 'next', type: 'float32', shape: ['n', 2] },
    ],
    initializers: new Map(),
    nodes: [node('Identity', ['go'], ['on']), node('Identity', ['carried'], ['next'])],
    valueInfo: new Map(),
  };
  return odd({
    initializers: new Map<string, Tensor>([
      ...WEIGHTS,
      ['trips', int64([], [2])],
      ['true', tensor('bool', [], Uint8Array.of(1))],
    ]),
    nodes: [
      ...BODY.slice(0, 3),
      node('MatMul', ['hidden', 'v'], ['before']),
      node('Loop', ['trips', 'true', 'before'], ['scores'], { body: graphAttribute(body) }),
    ],
  });
}

const withNodes = (...nodes: Node[]): Model => odd({ nodes: [...BODY.slice(0, 3), ...nodes] });

function inDouble(): Model {
  const doubled = WEIGHTS.map(([name, { shape, data }]): [string, Tensor] => [
    name,
    float64(shape, Float64Array.from(data as Float32Array)),
  ]);
  return odd({
    inputs: [{ ...INPUT, type: 'float64' }],
    outputs: [{ ...SCORES, type: 'float64' }],
    initializers: new Map(doubled),
  });
}

const MODELS: Readonly<Record<string, () => Model>> = {
  ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`opset ${i + 7}`, () => ofOpset(i + 7)])),
  'opset 6': () => odd({ opset: 6 }),
  'opset 99': () => odd({ opset: 99 }),
  ZipMap: zipMap,
  'no shapes': () => odd({ inputs: [{ ...INPUT, shape: undefined }], outputs: [{ ...SCORES, shape: undefined }] }),
  'axes without names': () =>
    odd({ inputs: [{ ...INPUT, shape: [null, null] }], outputs: [{ ...SCORES, shape: [null, null] }] }),
  'axes with names': () =>
    odd({ inputs: [{ ...INPUT, shape: ['n', 'd'] }], outputs: [{ ...SCORES, shape: ['n', 'c'] }] }),
  'a batch of one': () => odd({ inputs: [{ ...INPUT, shape: [1, 2] }], outputs: [{ ...SCORES, shape: [1, 2] }] }),
  'a subgraph of If': branching,
  'a subgraph of Loop': looping,
  'weights in Constant nodes': () =>
    odd({
      initializers: new Map(),
      nodes: [
        ...WEIGHTS.map(([name, value]) => node('Constant', [], [name], { value: tensorAttribute(value) })),
        ...BODY,
      ],
    }),
  'weights among the inputs': () =>
    odd({
      ...{ opset: 8, ir: 3 },
      inputs: [INPUT, ...WEIGHTS.map(([name, { type, shape }]): ValueInfo => ({ name, type, shape }))],
    }),
  'a custom operator': () =>
    odd({
      domains: { 'com.nobody': 1 },
      nodes: [...BODY.slice(0, 3), node('Riddle', ['hidden', 'v'], ['scores'], {}, 'com.nobody')],
    }),
  'a contributed operator': () =>
    odd({
      domains: { 'com.microsoft': 1 },
      nodes: [BODY[0], BODY[1], node('Gelu', ['sum'], ['hidden'], {}, 'com.microsoft'), BODY[3]],
    }),
  'double precision': inDouble,
  'a sequence inside': () =>
    odd({
      initializers: new Map<string, Tensor>([...WEIGHTS, ['first', int64([], [0])]]),
      nodes: [
        ...BODY.slice(0, 3),
        node('SequenceConstruct', ['hidden'], ['list']),
        node('SequenceAt', ['list', 'first'], ['back']),
        node('MatMul', ['back', 'v'], ['scores']),
      ],
    }),
  'nothing but an identity': () =>
    odd({ initializers: new Map(), nodes: [node('Identity', ['features'], ['scores'])] }),
  'one weight used twice': () =>
    odd({
      initializers: new Map<string, Tensor>([['w', float32([2, 2], [-0.1, 0.1, 0, 0])]]),
      nodes: [
        node('MatMul', ['features', 'w'], ['first']),
        node('Tanh', ['first'], ['bent']),
        node('MatMul', ['bent', 'w'], ['scores']),
      ],
    }),
  'a dead branch with a custom operator': () =>
    odd({ domains: { 'com.nobody': 1 }, nodes: [...BODY, node('Riddle', ['hidden'], ['unused'], {}, 'com.nobody')] }),
  'random numbers': () =>
    withNodes(
      node('RandomUniformLike', ['hidden'], ['noise']),
      node('Add', ['hidden', 'noise'], ['noisy']),
      node('MatMul', ['noisy', 'v'], ['scores']),
    ),
};

export const ODD_MODELS = [
  ...Object.keys(MODELS),
  'external data',
  'external data missing',
  'not a model',
  'cut short',
];

/** Writes a model into a folder. */
export async function writeOdd(name: string, folder: string): Promise<string> {
  const file = `${name.replaceAll(' ', '-')}.onnx`;
  const path = join(folder, file);
  if (name === 'external data') await writeModelFile(odd(), path, { externalData: 16 });
  else if (name === 'external data missing') {
    await writeModelFile(odd(), path, { externalData: 16 });
    const text = readFileSync(path)
      .toString('latin1')
      .replaceAll(/\.[0-9a-f]{16}\.data/g, '.0000000000000000.data');
    writeFileSync(path, text, 'latin1');
  } else if (name === 'not a model') writeFileSync(path, 'GIF89a, say');
  else if (name === 'cut short') writeFileSync(path, writeModel(odd()).subarray(0, 150));
  else writeFileSync(path, writeModel(MODELS[name]()));
  return file;
}
