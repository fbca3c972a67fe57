import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BallastError } from '../../src/errors.js';
import { GraphBuilder } from '../../src/graph/builder.js';
import { readModel } from '../../src/graph/format/decode.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { inline } from '../../src/graph/inline.js';
import { listOperators } from '../../src/graph/operators/registry.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import { ARRAY_OF, type DataType, sizeOf, type Tensor } from '../../src/graph/tensor.js';
import { upgrade } from '../../src/graph/upgrade/index.js';

/**
 * The ONNX project's own node test cases, rewritten for our opset and rebuilt on static shapes: inferred types and
 * shapes equal the expected ones, and the runtime computes the expected values. Needs a Python with the onnx package
 * in BALLAST_PYTHON.
 */

const python = process.env.BALLAST_PYTHON;

type Numeric = Exclude<DataType, 'string'>;

interface StoredTensor {
  readonly type: Numeric;
  readonly shape: readonly number[];
  readonly data: string;
}

interface NodeCase {
  readonly name: string;
  readonly model: string;
  readonly inputs: readonly StoredTensor[];
  readonly outputs: readonly StoredTensor[];
  readonly rtol: number;
  readonly atol: number;
}

function tensorOf({ type, shape, data }: StoredTensor): Tensor {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return { type, shape, data: new ARRAY_OF[type](bytes.buffer, 0, sizeOf(shape)) };
}

/** Which inputs become constants: shapes, axes and sizes must be known, data need not be. */
const ATTEMPTS: readonly ((index: number) => boolean)[] = [() => false, (index) => index > 0, () => true];

interface Rebuilt {
  readonly b: GraphBuilder;
  readonly types: readonly { type: DataType; shape: readonly number[] }[];
  readonly feeds: Record<string, Tensor>;
}

function rebuild(test: NodeCase): Rebuilt {
  const { graph } = upgrade(readModel(Buffer.from(test.model, 'base64')));
  const attempt = (isConstant: (index: number) => boolean): Rebuilt => {
    const b = new GraphBuilder(test.name);
    const feeds: Record<string, Tensor> = {};
    const inputs = graph.inputs.map(({ name }, i) => {
      const data = tensorOf(test.inputs[i]);
      if (isConstant(i)) return [name, b.constant(data)] as const;
      feeds[name] = data;
      return [name, b.input(name, data.type, data.shape)] as const;
    });
    const results = inline(b, graph, { inputs: Object.fromEntries(inputs) });
    for (const { name } of graph.outputs) b.output(`result.${name}`, results[name]);
    return { b, feeds, types: graph.outputs.map(({ name }) => results[name]) };
  };
  let refusal: unknown;
  for (const isConstant of ATTEMPTS) {
    try {
      return attempt(isConstant);
    } catch (error) {
      if (!(error instanceof BallastError) || error.code !== 'GRAPH_DYNAMIC_SHAPE') throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** Cases that are out of reach altogether, and why. */
const EXCEPTIONS: ReadonlyMap<RegExp, string> = new Map([
  [/_if_(seq|opt)$/, 'branches of sequences and optionals'],
  [/spacetodepth_crd/, 'a mode of opset 28 that opset 21 does not have'],
]);

/** Cases in which ONNX Runtime at opset 21 cannot give the expected values, and why; shapes and types are still checked. */
const VALUES_UNCHECKED: ReadonlyMap<RegExp, string> = new Map([
  [/bitshift_.*int|max_u?int16|min_u?int16|pow_types_float32_uint|top_k_uint64|clip_.*int8/, 'no kernel for the type'],
  [/training_dropout/, 'random'],
  [/batchwise/, 'no kernel for layout 1'],
  [/mod_float.*fmod_0|reduce_max_empty_set_bool/, 'refused by the kernel'],
  [/resize_downsample_scales_(linear|cubic)_align_corners/, 'the runtime computes other values'],
  [/maxunpool_export_with_output_shape/, 'the runtime computes other values'],
]);

const listed = (list: ReadonlyMap<RegExp, string>, name: string): boolean =>
  [...list.keys()].some((pattern) => pattern.test(name));

describe.skipIf(python === undefined)('ONNX node tests (BALLAST_PYTHON)', async () => {
  const operators = listOperators().map(({ domain, opType }) => `${domain}:${opType}`);
  const script = fileURLToPath(new URL('onnx-operators.py', import.meta.url));
  const { stdout, status } = spawnSync(
    python ?? '',
    [script, [...operators, ':Constant', ':Upsample', ':Swish', ':RMSNormalization', ':If'].join(',')],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    },
  );
  if (status !== 0) throw new Error(`${python} cannot print the node tests`);
  const cases = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as NodeCase)
    .filter(({ name }) => !listed(EXCEPTIONS, name));
  const runtime = await openRuntime({ backend: 'stock' });

  it('there are many', () => {
    expect(cases.length).toBeGreaterThan(500);
  });

  it.each(cases)('$name', async (test) => {
    const { b, types, feeds } = rebuild(test);
    expect(types.map(({ type, shape }) => ({ type, shape: [...shape] }))).toEqual(
      test.outputs.map(({ type, shape }) => ({ type, shape })),
    );
    if (listed(VALUES_UNCHECKED, test.name)) return;
    const session = await runtime.load(writeModel(b.model()), { optimization: 'basic' });
    const used = new Set(session.inputs.map(({ name }) => name));
    const results = Object.values(
      await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => used.has(name)))),
    );
    session.release();
    test.outputs.forEach((output, i) => {
      const expected = Array.from(tensorOf(output).data as ArrayLike<number | bigint>, Number);
      const found = Array.from(results[i].data as ArrayLike<number | bigint>, Number);
      expect(found.length).toBe(expected.length);
      const worst = found.reduce((far, value, j) => {
        const same = Object.is(value, expected[j]) || value === expected[j];
        const error = same ? 0 : Math.abs(value - expected[j]) / (test.atol + test.rtol * Math.abs(expected[j]));
        return Math.max(far, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
      }, 0);
      expect(worst).toBeLessThanOrEqual(1);
    });
  });
});
