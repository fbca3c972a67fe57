import { beforeAll, describe, expect, it } from 'vitest';
import { allRows, categories, images, numbers, table, texts } from '../../../test/support/tables.js';
import { writeModel } from '../../graph/format/encode.js';
import { type Graph, int, type Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import type { Table } from '../table.js';
import { ENCODED_PREFIX, encodedPart, encodesAs } from './encoded-part.js';
import { exportModel } from './export.js';
import { type FitOptions, fitPreprocessor } from './fit.js';
import type { Preprocessor } from './preprocessor.js';
import { rawTensors } from './raw-tensors.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

function prepare(data: Table, task: FitOptions['task'], rest: Partial<FitOptions> = {}): Preprocessor {
  const options = dataOptionsSchema.parse({ source: 'x', target: 'y' });
  return fitPreprocessor(data, resolveRoles(data, options), allRows(data.rows), { task, ...rest });
}

/** features [N, D] x weights [D, K] + bias. */
function linear(weights: readonly (readonly number[])[], bias: readonly number[]): Graph {
  const [depth, width] = [weights.length, bias.length];
  return {
    name: 'linear',
    inputs: [{ name: 'features', type: 'float32', shape: ['batch', depth] }],
    outputs: [{ name: 'output', type: 'float32', shape: ['batch', width] }],
    initializers: new Map([
      ['weight', float32([depth, width], weights.flat())],
      ['bias', float32([width], bias)],
    ]),
    nodes: [
      {
        name: 'gemm',
        opType: 'Gemm',
        domain: '',
        inputs: ['features', 'weight', 'bias'],
        outputs: ['output'],
        attributes: {},
      },
    ],
    valueInfo: new Map(),
  };
}

async function run(model: Model, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await runtime.load(writeModel(model));
  try {
    return await session.run(feeds);
  } finally {
    session.release();
  }
}

const close = (tensor: Tensor, expected: readonly number[]): void => {
  expected.forEach((value, i) => {
    expect(Number(tensor.data[i])).toBeCloseTo(value, 5);
  });
};

describe('exportModel', () => {
  const data = table(numbers('a', [0, 2, 0, 2]), categories('y', ['no', 'yes', 'no', 'maybe']));

  it('answers a classification from raw columns with logits, probabilities and the class itself', async () => {
    const preprocessor = prepare(data, 'classification');
    expect(preprocessor.classes).toEqual(['maybe', 'no', 'yes']);
    const model = exportModel(preprocessor, linear([[1, 0, -1]], [0, 0, 0.5]), {
      metadata: { 'ballast.regularizer': 'rg-1' },
    });
    expect(model.metadata.get('ballast.task')).toBe('classification');
    expect(model.metadata.get('ballast.regularizer')).toBe('rg-1');
    expect(JSON.parse(model.metadata.get('ballast.classes') ?? '')).toEqual(['maybe', 'no', 'yes']);
    expect(JSON.parse(model.metadata.get('ballast.inputs') ?? '')).toEqual([
      { name: 'a', column: 'a', type: 'float32', shape: [1], missing: 'NaN' },
    ]);
    const answers = await run(model, { a: float32([2, 1], [2, 0]) });
    close(answers.logits, [1, 0, -0.5, -1, 0, 1.5]);
    const shares = [1, 0, -0.5].map(Math.exp);
    const total = shares.reduce((sum, share) => sum + share, 0);
    close(
      answers.probabilities,
      shares.map((share) => share / total),
    );
    expect(answers.labelIndex).toMatchObject({ type: 'int64', shape: [2], data: BigInt64Array.of(0n, 2n) });
    expect(answers.label).toMatchObject({ type: 'string', shape: [2] });
    expect(Array.from(answers.label.data as string[])).toEqual(['maybe', 'yes']);
  });

  it('gives classes that are numbers as int64', async () => {
    const digits = table(numbers('a', [0, 2, 0]), numbers('y', [7, -3, 40], 'integer'));
    const preprocessor = prepare(digits, 'classification');
    expect(preprocessor.classes).toEqual([-3, 7, 40]);
    const answers = await run(exportModel(preprocessor, linear([[0, 1, 2]], [0, 0, 0])), { a: float32([1, 1], [2]) });
    expect(answers.label).toMatchObject({ type: 'int64', shape: [1], data: BigInt64Array.of(40n) });
  });

  it('takes one output for two classes as the log odds of the second', async () => {
    const binary = table(numbers('a', [0, 2]), numbers('y', [0, 1], 'boolean'));
    const answers = await run(exportModel(prepare(binary, 'classification'), linear([[2]], [0])), {
      a: float32([2, 1], [2, 0]),
    });
    const p = 1 / (1 + Math.exp(-2));
    close(answers.probabilities, [1 - p, p, p, 1 - p]);
    expect(answers.label.data).toEqual(['true', 'false']);
  });

  it('predicts a regression on its own scale', async () => {
    const prices = table(numbers('a', [0, 2]), numbers('y', [100, 300]));
    const preprocessor = prepare(prices, 'regression');
    expect(preprocessor.targetScaling).toMatchObject({ mean: 200, scale: 100 });
    expect(preprocessor.transform(prices, allRows(2)).target?.data).toEqual(Float32Array.of(-1, 1));
    const answers = await run(exportModel(preprocessor, linear([[1]], [0])), { a: float32([2, 1], [2, 1]) });
    expect(answers.prediction.shape).toEqual([2, 1]);
    close(answers.prediction, [300, 200]);
  });

  it('tells what the network says of its uncertainty: deviations on the scale of the target, the rest as it is', async () => {
    const prices = table(numbers('a', [0, 2]), numbers('y', [100, 300]));
    const network = linear([[1]], [0]);
    const said = ['deviation', 'predictiveDeviation', 'entropy', 'other'];
    const saying: Graph = {
      ...network,
      outputs: [...network.outputs, ...said.map((name) => ({ name, type: 'float32' as const, shape: ['batch', 1] }))],
      nodes: [
        ...network.nodes,
        ...said.map((name) => ({
          name,
          opType: 'Abs',
          domain: '',
          inputs: ['output'],
          outputs: [name],
          attributes: {},
        })),
      ],
    };
    const answers = await run(exportModel(prepare(prices, 'regression'), saying), { a: float32([2, 1], [2, 1]) });
    close(answers.deviation, [100, 0]);
    close(answers.predictiveDeviation, [100, 0]);
    close(answers.entropy, [1, 0]);
    expect(answers.other).toBeUndefined();
  });

  it('keeps names apart: columns called like outputs, or like inner values of network and encoding', async () => {
    const names = ['label', 'weight', 'preprocess/Sub_1', 'network/output'];
    const awkward = table(...names.map((name, i) => numbers(name, [i, i + 2])), categories('y', ['u', 'v']));
    const preprocessor = prepare(awkward, 'classification');
    expect(preprocessor.inputs.map(({ name, column }) => [column, name])).toEqual([
      ['label', 'label_input'],
      ['weight', 'weight'],
      ['preprocess/Sub_1', 'input preprocess/Sub_1'],
      ['network/output', 'input network/output'],
    ]);
    const model = exportModel(
      preprocessor,
      linear(
        [
          [-1, 1],
          [0, 0],
          [0, 0],
          [0, 0],
        ],
        [0, 0],
      ),
    );
    const answers = await run(model, rawTensors(preprocessor.inputs, awkward, allRows(2)));
    expect(Array.from(answers.label.data as string[])).toEqual(['u', 'v']);
  });

  it('answers no rows', async () => {
    const mixed = table(numbers('a', [0, 2]), categories('c', ['p', 'q']), categories('y', ['u', 'v']));
    const options = dataOptionsSchema.parse({ source: 'x', target: 'y', features: { categories: { minimumRows: 1 } } });
    const preprocessor = prepare(mixed, 'classification', { features: options.features });
    const model = exportModel(preprocessor, linear(Array(4).fill([0, 1]), [1, 0]));
    const none = await run(model, { a: float32([0, 1], []), c: { type: 'string', shape: [0, 1], data: [] } });
    expect(none.probabilities.shape).toEqual([0, 2]);
  });

  it('answers rows of nothing but empty or unknown text', async () => {
    const said = table(texts('t', ['good day', 'good night', 'bad night']), categories('y', ['u', 'v', 'v']));
    const preprocessor = prepare(said, 'classification');
    const model = exportModel(preprocessor, linear(Array(2).fill([0, 1]), [1, 0]));
    const answers = await run(model, { t: { type: 'string', shape: [3, 1], data: ['', '', '? ?'] } });
    close(answers.logits, [1, 0, 1, 0, 1, 0]);
  });

  it('takes networks with subgraphs and inputs of several kinds', async () => {
    const mixed = table(
      numbers('a', [0, 2]),
      images('picture', [1, 1, 2], Uint8Array.of(0, 10, 20, 30)),
      categories('y', ['u', 'v']),
    );
    const preprocessor = prepare(mixed, 'classification');
    const branch = (name: string, value: string): Graph => ({
      name,
      inputs: [],
      outputs: [{ name: `${name}_result`, type: 'float32', shape: undefined }],
      initializers: new Map(),
      nodes: [
        { name: 'pass', opType: 'Identity', domain: '', inputs: [value], outputs: [`${name}_result`], attributes: {} },
      ],
      valueInfo: new Map(),
    });
    const network: Graph = {
      name: 'both',
      inputs: [
        { name: 'features', type: 'float32', shape: ['n', 1] },
        { name: 'image', type: 'float32', shape: ['n', 1, 1, 2] },
      ],
      outputs: [{ name: 'joined', type: 'float32', shape: undefined }],
      initializers: new Map<string, Tensor>([['yes', { type: 'bool', shape: [], data: Uint8Array.of(1) }]]),
      nodes: [
        {
          name: 'flat',
          opType: 'Flatten',
          domain: '',
          inputs: ['image'],
          outputs: ['pixels'],
          attributes: { axis: int(1) },
        },
        {
          name: 'choose',
          opType: 'If',
          domain: '',
          inputs: ['yes'],
          outputs: ['joined'],
          attributes: {
            then_branch: { kind: 'graph', value: branch('then', 'pixels') },
            else_branch: { kind: 'graph', value: branch('else', 'features') },
          },
        },
      ],
      valueInfo: new Map(),
    };
    const model = exportModel(preprocessor, network);
    const answers = await run(model, rawTensors(preprocessor.inputs, mixed, allRows(2)));
    const { image } = preprocessor.transform(mixed, allRows(2)).inputs;
    close(answers.logits, Array.from(image.data as Float32Array));
  });

  it('refuses networks that do not fit the data', () => {
    const preprocessor = prepare(data, 'classification');
    expect(() => exportModel(preprocessor, linear([[1, 0]], [0, 0]))).toThrow(/2 outputs for 3 classes/);
    expect(() =>
      exportModel(
        preprocessor,
        linear(
          [
            [1, 0, 0],
            [1, 0, 0],
          ],
          [0, 0, 0],
        ),
      ),
    ).toThrow(/takes "features": float32 \[batch, 2\], which the data does not give/);
    const said = table(texts('t', ['good day', 'good night']), categories('y', ['u', 'v']));
    const withText = prepare(said, 'classification');
    expect(() => exportModel(withText, linear([[0, 1]], [0, 0]), { opsets: new Map([['', 17]]) })).toThrow(
      /need opset 20/,
    );
  });
});

describe('encodedPart', () => {
  it('cuts an exported model where its preprocessing ends, and knows the same encoding again', async () => {
    const data = table(
      numbers('a', [0, 2, Number.NaN, 5]),
      categories('b', ['u', 'v', 'u', 'w']),
      categories('y', ['no', 'yes', 'no', 'maybe']),
    );
    const preprocessor = prepare(data, 'classification');
    const [{ shape }] = preprocessor.outputs;
    const weights = Array.from({ length: shape[0] }, (_, i) => [i, 1 - i, 2]);
    const model = exportModel(preprocessor, linear(weights, [0, 0.1, 0.2]));
    const feeds = rawTensors(preprocessor.inputs, data, allRows(data.rows));
    const { encoder, network } = encodedPart(model)!;
    const encoded = (await run(encoder, feeds))[`${ENCODED_PREFIX}features`];
    close(encoded, Array.from(preprocessor.transform(data, allRows(data.rows)).inputs.features.data, Number));
    const answers = await run({ ...model, graph: network }, { features: encoded });
    close(answers.logits, Array.from((await run(model, feeds)).logits.data, Number));
    expect(encodesAs(model, preprocessor)).toBe(true);
    const other = table(numbers('a', [0, 2, Number.NaN, 9]), ...data.columns.slice(1));
    expect(encodesAs(model, prepare(other, 'classification'))).toBe(false);
    expect(encodedPart({ ...model, metadata: new Map() })).toBeUndefined();
  });
});
