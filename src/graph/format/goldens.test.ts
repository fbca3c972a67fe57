import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { Attribute, Model } from '../model.js';
import type { DataType, Tensor } from '../tensor.js';
import { readModel } from './decode.js';
import { writeModel } from './encode.js';
import { readModelFile } from './file.js';
import { normalize } from './normalize.js';
import { printModel } from './print.js';
import { summarize } from './summarize.js';

/** Made by goldens/make_onnx_files.py with the Python onnx package, onnxruntime and scikit-learn. */
const GOLDENS = join(import.meta.dirname, 'goldens');

interface Described {
  type: DataType;
  shape: number[];
  /** Floats as their bits. */
  elements: string[];
}

interface Values {
  type: 'float32' | 'bool';
  shape: number[];
  elements: number[];
}

interface Case {
  inputs: Record<string, Values>;
  outputs: Record<string, Values>;
}

interface ZipMapCase {
  classes: (string | number)[];
  rows: number[][];
  probabilities: number[][];
}

interface Expected extends Record<'encodings' | 'external' | 'sparse', Record<string, Described>> {
  attributes: Record<string, Attribute['value']>;
  'control-flow': Case[];
  functions: Case[];
  unsorted: Case[];
  'old-ir': Case[];
  'zip-map': ZipMapCase;
  'zip-map-int': ZipMapCase;
}

const expected = JSON.parse(readFileSync(join(GOLDENS, 'expected.json'), 'utf8')) as Expected;

const golden = (name: string): Promise<Model> => readModelFile(join(GOLDENS, `${name}.onnx`));

function describeTensor({ type, shape, data }: Tensor): Described {
  const bits =
    data instanceof Float32Array
      ? new Uint32Array(data.buffer)
      : data instanceof Float64Array
        ? new BigUint64Array(data.buffer)
        : data;
  return { type, shape: [...shape], elements: Array.from<unknown>(bits).map(String) };
}

describe('tensor encodings', () => {
  it('are all read to the values that numpy has', async () => {
    const { graph } = await golden('encodings');
    const tensors = [...graph.initializers].map(([name, tensor]) => [name, describeTensor(tensor)]);
    expect(Object.fromEntries(tensors)).toEqual(expected.encodings);
  });

  it('external data is read from the directory of the model', async () => {
    const { graph } = await golden('external');
    const tensors = [...graph.initializers].map(([name, tensor]) => [name, describeTensor(tensor)]);
    expect(Object.fromEntries(tensors)).toEqual(expected.external);
  });

  it('sparse tensors become dense', async () => {
    const { graph } = normalize(await golden('sparse'));
    const kept = (await golden('sparse')).graph.initializers;
    expect(describeTensor(kept.get('flat') as Tensor)).toEqual(expected.sparse.flat);
    expect(describeTensor(kept.get('coordinates') as Tensor)).toEqual(expected.sparse.coordinates);
    const constant = (await golden('sparse')).graph.nodes[0].attributes.value;
    expect(describeTensor(constant.value as Tensor)).toEqual(expected.sparse.c);
    // Nothing uses them.
    expect(graph.initializers.size).toBe(0);
  });

  it.each([
    ['float8', /float8e4m3fn/],
    ['int4', /int4/],
    ['complex64', /complex64/],
  ])('%s is refused by name', async (name, message) => {
    await expect(golden(name)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(message) as string,
      place: `${join(GOLDENS, `${name}.onnx`)}: graph "${name}", tensor "weight"`,
    });
  });
});

describe('attributes and types', () => {
  it('are read with their kinds', async () => {
    const model = await golden('attributes');
    const node = model.graph.nodes[1];
    expect(node).toMatchObject({ domain: 'org.example', inputs: ['x', '', 'y'], outputs: ['', 'z'] });
    const { tensor, ...plain } = node.attributes;
    expect(tensor).toEqual({ kind: 'tensor', value: { type: 'int8', shape: [2], data: Int8Array.of(1, 2) } });
    const values = Object.fromEntries(Object.entries(plain).map(([name, { value }]) => [name, value]));
    expect(values).toEqual(expected.attributes);
    expect(plain.int.kind).toBe('int');
    expect(plain.float.kind).toBe('float');
    expect(model.opsets).toEqual(new Map([['', 21], ['org.example', 3]])); // biome-ignore format: one line
    expect(model.producer).toEqual({ name: 'goldens', version: '1.2' });
    expect([...model.metadata]).toEqual([['key', 'value'], ['empty', '']]); // biome-ignore format: one line
  });

  it('of sequences and optionals are kept', async () => {
    const { graph } = await golden('types');
    const tensor = { kind: 'tensor', type: 'float32', shape: ['batch', 3] };
    expect(graph.outputs.slice(1)).toEqual([
      { name: 's', type: 'float32', container: { kind: 'sequence', element: tensor } },
      {
        name: 'o',
        type: 'float32',
        container: { kind: 'optional', element: { kind: 'sequence', element: tensor } },
      },
    ]);
  });
});

/** Runs a model, as written by us, in ONNX Runtime. */
async function run(model: Model, inputs: Record<string, Values>): Promise<Record<string, unknown>> {
  const session = await InferenceSession.create(writeModel(model), { logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(([name, { type, shape, elements }]) => [
    name,
    new RuntimeTensor(type, type === 'bool' ? Uint8Array.from(elements) : Float32Array.from(elements), shape),
  ]);
  const results = await session.run(Object.fromEntries(feeds) as Record<string, RuntimeTensor>);
  const values = Object.entries(results).map(([name, { dims, data }]) => [name, { dims, data: [...data] }]);
  await session.release();
  return Object.fromEntries(values) as Record<string, unknown>;
}

describe.each(['control-flow', 'functions', 'unsorted', 'old-ir'] as const)('%s', (name) => {
  it.each(expected[name].map((each, index) => [index, each] as const))(
    'computes case %i',
    async (_, { inputs, outputs }) => {
      const wanted = Object.fromEntries(
        Object.entries(outputs).map(([output, { shape, elements }]) => [
          output,
          { dims: shape, data: elements.map((element) => expect.closeTo(element, 5) as number) },
        ]),
      );
      const model = await golden(name);
      expect(await run(model, inputs)).toEqual(wanted);
      expect(await run(normalize(model), inputs)).toEqual(wanted);
    },
  );
});

describe('functions', () => {
  it('are inlined under names of their own, and their domain is gone', async () => {
    const { graph, opsets } = await golden('functions');
    expect([...opsets]).toEqual([['', 21]]);
    expect(graph.nodes.map((node) => node.opType)).toEqual([
      ...['Constant', 'Mul', 'Add'],
      ...['Constant', 'Mul', 'Add'],
      ...['Identity', 'Constant', 'Constant', 'ReduceMean', 'Greater', 'If'],
    ]);
    // The default of the attribute in the second call, the given value in the first.
    expect(graph.nodes[0].attributes.value_float).toEqual({ kind: 'float', value: 3 });
    expect(graph.nodes[3].attributes.value_float).toEqual({ kind: 'float', value: 2 });
  });
});

describe('normalize', () => {
  it('frees parameters of old IR versions and removes constants, copies and dead code', async () => {
    const { irVersion, graph } = normalize(await golden('old-ir'));
    expect(irVersion).toBe(4);
    expect(graph.inputs.map((input) => input.name)).toEqual(['x']);
    expect(graph.nodes.map((node) => [node.opType, ...node.inputs, ...node.outputs])).toEqual([
      ['MatMul', 'x', 'w', 'h'],
      ['Mul', 'h', 'two', 'y'],
    ]);
    expect([...graph.initializers.keys()].sort()).toEqual(['two', 'w']);
  });

  it.each(['zip-map', 'zip-map-int'] as const)(
    "removes scikit-learn's ZipMap and keeps the classes: %s",
    async (name) => {
      const { classes, rows, probabilities } = expected[name];
      const model = await golden(name);
      expect(model.graph.outputs[1]).toMatchObject({ container: { kind: 'sequence', element: { kind: 'map' } } });
      const normal = normalize(model);
      expect(JSON.parse(normal.metadata.get('ballast.classes') ?? '')).toEqual(classes);
      expect(summarize(normal).operators).not.toHaveProperty('ai.onnx.ml::ZipMap');
      const [label, probability] = normal.graph.outputs;
      expect(probability).toEqual({ name: model.graph.outputs[1].name, type: 'float32', shape: [null, 3] });
      const [input] = normal.graph.inputs;
      const result = await run(normal, {
        [input.name]: { type: 'float32', shape: [rows.length, 4], elements: rows.flat() },
      });
      expect(result[label.name]).toBeDefined();
      expect(result[probability.name]).toEqual({
        dims: [rows.length, 3],
        data: probabilities.flat().map((value) => expect.closeTo(value, 5) as number),
      });
    },
  );
});

describe('printModel', () => {
  it('shows header, interface, tensors, and one line a node, subgraphs further in', async () => {
    expect(printModel(await golden('control-flow'))).toMatchInlineSnapshot(`
      "model: IR 10, opset 21
      4 parameters, 25 bytes, 10 nodes (Add 2, Identity 2, Constant 1, If 1, Loop 1, Mul 1, Neg 1, ReduceSum 1)
      graph control
        input  x: float32[3]
        input  flag: bool[]
        output chosen: float32[3]
        output running: float32[n]
        output total: float32[3]
        three: int64[] = 3
        yes: bool[] = 1
        zero: float32[3] = 0, 0, 0
        two: float32[] = 2
        doubled = Mul(x, two)
        chosen = If(flag)
          then_branch:
            graph positive
              output out: float32[3]
              out = Add(doubled, x)
          else_branch:
            graph negative
              output out: float32[3]
              inner = Neg(doubled)
              out = Identity(inner)
        total, running = Loop(three, yes, zero)
          body:
            graph step
              input  i: int64[]
              input  go: bool[]
              input  sum: float32[3]
              output go_out: bool[]
              output sum_out: float32[3]
              output last: float32[]
              go_out = Identity(go)
              sum_out = Add(sum, chosen)
              axes = Constant() {value: int64[1] = 0}
              last = ReduceSum(sum_out, axes) {keepdims: 0}
      "
    `);
  });

  it('shows attributes, metadata and omitted inputs', async () => {
    expect(printModel(await golden('attributes'))).toMatchInlineSnapshot(`
      "model: IR 10, opset 21, org.example 3, made by goldens 1.2
      0 parameters, 0 bytes, 2 nodes (Identity 1, org.example::Anything 1)
      key: value
      empty:
      graph attributes
        input  x: float32[batch, 3]
        output y: float32[batch, 3]
        y = Identity(x)  # copy
        _, z = org.example::Anything(x, _, y) {float: 0.1, floats: [0.5, -0.25], from_the_start: -9223372036854776000, int: -3, ints: [1, -2], string: "ünï", strings: ["a", ""], tensor: int8[2] = 1, 2, to_the_end: 9223372036854776000}  # any
      "
    `);
  });
});

describe('summarize', () => {
  it('counts', async () => {
    expect(summarize(await golden('control-flow'))).toMatchObject({
      nodes: 10,
      operators: { Add: 2, Identity: 2, Constant: 1, If: 1, Loop: 1, Mul: 1, Neg: 1, ReduceSum: 1 },
      parameters: 4,
      bytes: 8 + 1 + 12 + 4,
    });
  });
});

it('reads from bytes as from files, but no external data without a directory', () => {
  const bytes = readFileSync(join(GOLDENS, 'external.onnx'));
  expect(() => readModel(bytes)).toThrow(expect.objectContaining({ code: 'MODEL_EXTERNAL_DATA' }));
  expect(readModel(bytes, { externalData: GOLDENS }).graph.initializers.size).toBe(2);
});
