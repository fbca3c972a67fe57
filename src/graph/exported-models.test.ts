import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from './builder.js';
import { readModel } from './format/decode.js';
import { writeModel } from './format/encode.js';
import { normalize } from './format/normalize.js';
import { gradients } from './gradients.js';
import { inline } from './inline.js';
import { openRuntime } from './runtime/choose.js';
import type { Runtime } from './runtime/runtime.js';
import { float32, int64, type Tensor } from './tensor.js';
import { upgrade } from './upgrade/index.js';

/** What PyTorch exports, with dynamic axes too, against PyTorch's own gradients in double precision. */

interface ExportedModel {
  readonly name: string;
  readonly model: string;
  readonly input: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly output: readonly number[];
  readonly seed: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const { cases } = JSON.parse(readFileSync(new URL('goldens/exported.json', import.meta.url), 'utf8')) as {
  cases: ExportedModel[];
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

const worst = (found: readonly number[], expected: readonly number[]): number =>
  Math.max(...found.map((x, i) => Math.abs(x - expected[i]))) / Math.max(...expected.map(Math.abs));

describe('models exported by PyTorch', () => {
  it.each(cases)('$name: outputs and gradients by every weight', async (test) => {
    const { graph } = upgrade(normalize(readModel(Buffer.from(test.model, 'base64'))));
    const [{ name, type }] = graph.inputs;
    const b = new GraphBuilder(test.name);
    const parameters = new Map<string, Value>();
    const results = inline(b, graph, {
      inputs: { [name]: b.input('x', type, test.input.shape) },
      parameter(initializer) {
        const data = graph.initializers.get(initializer);
        if (data === undefined || !(initializer in test.gradients)) return undefined;
        const value = b.initializer(`parameter.${initializer}`, data);
        parameters.set(initializer, value);
        return value;
      },
    });
    const output = results[graph.outputs[0].name];
    b.output('output', output);
    const names = Object.keys(test.gradients);
    expect([...parameters.keys()].sort()).toEqual([...names].sort());
    const seed = b.constant(float32(output.shape, test.seed));
    gradients(
      b,
      output,
      names.map((parameter) => parameters.get(parameter)!),
      seed,
    ).forEach((gradient, i) => {
      b.output(`gradient.${names[i]}`, gradient!);
    });
    const session = await runtime.load(writeModel(b.model()));
    const { shape, data } = test.input;
    const x: Tensor = type === 'int64' ? int64(shape, data) : float32(shape, data);
    const found = await session.run({ x });
    session.release();
    expect(worst(Array.from(found.output.data as Float32Array), test.output)).toBeLessThan(1e-5);
    for (const parameter of names) {
      const gradient = Array.from(found[`gradient.${parameter}`].data as Float32Array);
      expect(worst(gradient, test.gradients[parameter]), parameter).toBeLessThan(1e-5);
    }
  });
});
