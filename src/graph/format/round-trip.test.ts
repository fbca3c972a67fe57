import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryModel } from '../../../test/support/arbitrary-model.js';
import type { Model } from '../model.js';
import { readModel } from './decode.js';
import { writeModel } from './encode.js';
import { readModelFile } from './file.js';
import { normalize } from './normalize.js';
import { printModel } from './print.js';
import { allGraphs } from './subgraphs.js';
import { validate } from './validate.js';

/** Deep equality; the matcher, slow on large arrays, only says what differs. */
function expectSame(actual: Model, expected: Model): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}

const DATASETS = process.env.BALLAST_DATASETS;

describe('round trip', () => {
  it('gives any model back as it was, from any alignment, and equal bytes again', () => {
    fc.assert(
      fc.property(arbitraryModel, fc.nat(7), (model, shift) => {
        const bytes = writeModel(model);
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const again = readModel(shifted.subarray(shift));
        expectSame(again, model);
        expect(Buffer.compare(writeModel(again), bytes)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('copies tensors: they do not change with the bytes they came from', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const bytes = writeModel(model);
        const again = readModel(bytes);
        bytes.fill(0xff);
        expectSame(again, model);
      }),
      { numRuns: 50 },
    );
  });

  it('normalizes any model to a valid one with the same interface, once and for all', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        const normal = normalize(model);
        validate(normal);
        expect(normal.graph.inputs).toEqual(model.graph.inputs);
        expect(normal.graph.outputs).toEqual(model.graph.outputs);
        expectSame(normalize(normal), normal);
        expectSame(readModel(writeModel(normal)), normal);
      }),
      { numRuns: 200 },
    );
  });

  it('prints any model on lines without control characters', () => {
    fc.assert(
      fc.property(arbitraryModel, (model) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
        expect(printModel(model)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 50 },
    );
  });
});

/** Elements of all initializers, as the data sets' own README counts weights. */
function elements(model: Model): number {
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const tensor of graph.initializers.values()) count += tensor.data.length;
  }
  return count;
}

describe.skipIf(DATASETS === undefined)('models from elsewhere (needs BALLAST_DATASETS)', () => {
  const folders = ['onnx-models', 'onnx-magika'].map((name) => join(DATASETS ?? '', name)).filter(existsSync);
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => join(folder, name)),
  );

  it('finds them', () => {
    expect(files.length).toBeGreaterThanOrEqual(10);
  });

  it.each(files)('%s is read, valid, and written so that it reads the same', async (file) => {
    const model = await readModelFile(file);
    validate(model);
    expectSame(readModel(writeModel(model)), model);
    const normal = normalize(model);
    expectSame(readModel(writeModel(normal)), normal);
    expectSame(normalize(normal), normal);
    // Reading must depend on nothing but the bytes.
    expectSame(readModel(readFileSync(file)), model);
  });

  it.each([
    ['mnist/mnist.onnx', 5_998],
    ['ultraface/version-RFB-320.onnx', 281_135],
    ['tract/byte_sb_bidi_lstm/model.onnx', 339_206],
  ])('%s has as many weights as its source says', async (file, weights) => {
    expect(elements(await readModelFile(join(DATASETS ?? '', 'onnx-models', file)))).toBe(weights);
  });
});
