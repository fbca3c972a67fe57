import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BallastError } from '../errors.js';
import { GraphBuilder, type Value } from './builder.js';
import { readModel } from './format/decode.js';
import { writeModel } from './format/encode.js';
import { normalize } from './format/normalize.js';
import { gradients } from './gradients.js';
import { inline } from './inline.js';
import type { Model } from './model.js';
import { openRuntime } from './runtime/choose.js';
import type { Runtime, Session } from './runtime/runtime.js';
import { float32, sizeOf, type Tensor } from './tensor.js';
import { upgrade } from './upgrade/index.js';

/** Models trained elsewhere, of old opsets: they become graphs of ours, compute the same, and differentiate. */

const datasets = process.env.BALLAST_DATASETS;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

const read = (path: string): Model => readModel(readFileSync(join(datasets ?? '', path)));

/** Smooth pseudo-random numbers in [-1, 1]. */
const wave = (size: number, phase: number): Float32Array =>
  Float32Array.from(
    { length: size },
    (_, i) => Math.sin(12.9898 * (i + 1) + phase * 78.233) * Math.cos(i * 0.37 + phase),
  );

interface Subject {
  readonly path: string;
  readonly input: string;
  readonly data: Tensor;
}

const subjects: Record<string, Subject> = {
  mnist: {
    path: 'onnx-models/mnist/mnist.onnx',
    input: 'Input3',
    data: float32(
      [1, 1, 28, 28],
      wave(784, 1).map((x) => 128 + 127 * x),
    ),
  },
  'mnist, optimized': {
    path: 'onnx-models/mnist/opt-mnist.onnx',
    input: 'Input3',
    data: float32(
      [1, 1, 28, 28],
      wave(784, 1).map((x) => 128 + 127 * x),
    ),
  },
  ultraface: {
    path: 'onnx-models/ultraface/version-RFB-320.onnx',
    input: 'input',
    data: float32([1, 3, 240, 320], wave(3 * 240 * 320, 2)),
  },
  magika: {
    path: 'onnx-magika/model.onnx',
    input: 'bytes',
    data: { type: 'int32', shape: [2, 2048], data: Int32Array.from({ length: 4096 }, (_, i) => (i * 7919) % 257) },
  },
  'gradient boosting as tensors': {
    path: 'onnx-models/tract/lgbm_regressor_tensor/model.onnx',
    input: 'input',
    data: float32([3, 13], wave(39, 3)),
  },
  'bidirectional LSTM': {
    path: 'onnx-models/tract/byte_sb_bidi_lstm/model.onnx',
    input: 'input',
    data: { type: 'uint8', shape: [2, 9], data: Uint8Array.from({ length: 18 }, (_, i) => 97 + ((i * 5) % 26)) },
  },
};

/** The model on static shapes; its weights (float initializers of more than one element) are inputs of the graph. */
function rebuild({ path, input, data }: Subject) {
  const { graph } = upgrade(normalize(read(path)));
  const b = new GraphBuilder('foreign');
  const parameters = new Map<string, Value>();
  const results = inline(b, graph, {
    inputs: { [input]: b.input('data', data.type, data.shape) },
    parameter(name) {
      const initial = graph.initializers.get(name);
      if (initial?.type !== 'float32' || initial.data.length < 2) return undefined;
      const value = b.input(`parameter.${name}`, 'float32', initial.shape);
      parameters.set(name, value);
      return value;
    },
  });
  const outputs = graph.outputs.map(({ name }) => results[name]);
  const initial = new Map(
    [...parameters.keys()].map((name) => [name, graph.initializers.get(name) as Tensor<Float32Array>]),
  );
  return { b, outputs, parameters, initial };
}

async function run(b: GraphBuilder, feeds: Record<string, Tensor>): Promise<Tensor[]> {
  const session = await runtime.load(writeModel(b.model()));
  const used = new Set(session.inputs.map(({ name }) => name));
  const results = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => used.has(name))));
  session.release();
  return session.outputs.map(({ name }) => results[name]);
}

/** Sum over the float outputs, weighted so that no softmax makes it constant; its slopes by every weight it depends on. */
async function differentiated(subject: Subject) {
  const { b, outputs, parameters, initial } = rebuild(subject);
  const weighted = outputs.flatMap((output, i) =>
    output.type === 'float32' ? [{ output, weights: wave(sizeOf(output.shape), 5 + i) }] : [],
  );
  weighted.forEach(({ output }, i) => {
    b.output(`result ${i}`, output);
  });
  const forward = await runtime.load(writeModel(b.model()));
  const terms = weighted.map(({ output, weights }) =>
    b.reduceSum(b.mul(output, b.constant(float32(output.shape, weights)))),
  );
  const names = [...parameters.keys()];
  const found = gradients(
    b,
    terms.reduce((sum, term) => b.add(sum, term)),
    names.map((name) => parameters.get(name)!),
  );
  const reached = names.filter((_, i) => found[i] !== undefined);
  found.forEach((gradient, i) => {
    if (gradient !== undefined) b.output(`slope ${names[i]}`, gradient);
  });
  const feeds = (session: Session, moved: ReadonlyMap<string, Float32Array>, step: number): Record<string, Tensor> => {
    const all: Record<string, Tensor> = { data: subject.data };
    for (const [name, { shape, data }] of initial) {
      const direction = moved.get(name);
      const value = direction === undefined ? data : data.map((x, i) => x + step * direction[i]);
      all[`parameter.${name}`] = float32(shape, value);
    }
    return Object.fromEntries(session.inputs.map(({ name }) => [name, all[name]]));
  };
  const backward = await runtime.load(writeModel(b.model()));
  const results = await backward.run(feeds(backward, new Map(), 0));
  backward.release();
  return {
    initial,
    slopes: new Map(reached.map((name) => [name, results[`slope ${name}`].data as Float32Array])),
    async lossAt(moved: ReadonlyMap<string, Float32Array>, step: number): Promise<number> {
      const values = await forward.run(feeds(forward, moved, step));
      return weighted.reduce((total, { weights }, i) => {
        const data = values[`result ${i}`].data as Float32Array;
        return weights.reduce((sum, weight, j) => sum + weight * data[j], total);
      }, 0);
    },
    release: () => forward.release(),
  };
}

describe.skipIf(datasets === undefined)('foreign models (BALLAST_DATASETS)', () => {
  it.each(Object.entries(subjects))('%s computes the same', async (_, subject) => {
    const original = await runtime.load(readFileSync(join(datasets ?? '', subject.path)));
    const expected = Object.values(await original.run({ [subject.input]: subject.data }));
    original.release();
    const { b, outputs, initial } = rebuild(subject);
    outputs.forEach((output, i) => {
      b.output(`result ${i}`, output);
    });
    const feeds: Record<string, Tensor> = { data: subject.data };
    for (const [name, tensor] of initial) feeds[`parameter.${name}`] = tensor;
    const found = await run(b, feeds);
    expect(found.map(({ shape }) => [...shape])).toEqual(outputs.map(({ shape }) => [...shape]));
    found.forEach((tensor, i) => {
      expect([...tensor.shape]).toEqual([...expected[i].shape]);
      const [mine, theirs] = [tensor, expected[i]].map(({ data }) => Array.from(data as Float32Array));
      const largest = Math.max(...theirs.map(Math.abs));
      expect(Math.max(...mine.map((x, j) => Math.abs(x - theirs[j])))).toBeLessThan(1e-4 * largest);
    });
  });

  const differentiable = Object.entries(subjects).filter(([name]) => !name.includes('LSTM'));
  it.each(differentiable)('%s: the gradient by all weights agrees with directional derivatives', async (_, subject) => {
    const { initial, slopes, lossAt, release } = await differentiated(subject);
    const names = [...slopes.keys()];
    expect(names.length).toBeGreaterThan(0);
    // Random in size, along the gradient in sign: no cancellation drowns the difference in rounding.
    const directions = new Map(
      names.map((name, i) => {
        const { data } = initial.get(name)!;
        const size = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
        const slope = slopes.get(name)!;
        return [name, wave(data.length, i + 0.5).map((x, j) => Math.abs(x) * Math.sign(slope[j]) * size)];
      }),
    );
    const along = (name: string): number =>
      directions.get(name)!.reduce((sum, d, i) => sum + d * slopes.get(name)![i], 0);
    const spread = names.filter((_, i) => i % Math.ceil(names.length / 6) === 0);
    for (const moved of [names, ...spread.map((name) => [name])]) {
      const expected = moved.reduce((sum, name) => sum + along(name), 0);
      // One tensor moves the loss little: what single precision leaves of the difference is less certain.
      const tolerance = moved === names ? 1e-2 : 3e-2;
      const part = new Map(moved.map((name) => [name, directions.get(name)!]));
      let best = Number.POSITIVE_INFINITY;
      // Too large a step crosses kinks, too small a one drowns in single precision: some step must agree.
      for (const step of [3e-4, 1e-4, 3e-3, 3e-5, 1e-2]) {
        const measured = ((await lossAt(part, step)) - (await lossAt(part, -step))) / (2 * step);
        best = Math.min(best, Math.abs(measured - expected) / Math.abs(expected));
        if (best < tolerance) break;
      }
      expect(best, moved.join(', ')).toBeLessThan(tolerance);
    }
    release();
  });

  it('names node and operator where there is no gradient rule', () => {
    const { b, outputs, parameters } = rebuild(subjects['bidirectional LSTM']);
    const differentiate = (): unknown => gradients(b, b.reduceSum(outputs[0]), [...parameters.values()]);
    expect(differentiate).toThrow(/operator LSTM has no gradient rule/);
    expect(place(differentiate)).toMatch(/^node .*LSTM/i);
  });

  it.each([
    ['qlstm_3-2-3_T3_S1', 'QuantizeLinear'],
    ['xgboost_classifier_tree', 'ai.onnx.ml.TreeEnsembleClassifier'],
    ['xgboost_regressor_tree', 'ai.onnx.ml.TreeEnsembleRegressor'],
  ])('names the operator of %s that has no rule', (folder, operator) => {
    const path = `onnx-models/tract/${folder}/model.onnx`;
    const columns = folder.startsWith('qlstm') ? 3 : 13;
    const data = float32([4, columns], wave(4 * columns, 1));
    const inlining = (): unknown => rebuild({ path, input: 'input', data });
    expect(inlining).toThrow(`operator ${operator} has no rule`);
    expect(place(inlining)).toMatch(/^node /);
  });
});

function place(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BallastError) return error.place ?? '';
  }
  return '';
}
