import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type Model, type Node, writeModel } from '../../src/graph/index.js';
import { derive } from '../../src/numeric/index.js';
import { ballast } from '../support/command.js';

const SIDE = 8;
const PIXELS = SIDE * SIDE;

interface Document {
  readonly drifted: boolean;
  readonly features: readonly { readonly name: string; readonly drifted: boolean }[];
  readonly columns: { readonly skipped: Readonly<Record<string, string>> };
  readonly error?: { readonly code: string; readonly remedy: string };
}

/** Two features of an image, the contrast of left and right and that of above and below; then two classes. */
function contrasts(): Model {
  const weights = Float32Array.from({ length: PIXELS * 2 }, (_, i) => {
    const [pixel, feature] = [i >> 1, i & 1];
    const far = feature === 0 ? pixel % SIDE >= SIDE / 2 : pixel >= PIXELS / 2;
    return (far ? 1 : -1) / PIXELS;
  });
  const node = (opType: string, inputs: string[], output: string): Node => ({
    ...{ name: output, opType, domain: '', inputs, outputs: [output], attributes: {} },
  });
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'test', version: '' },
    graph: {
      name: 'contrasts',
      inputs: [{ name: 'picture', type: 'float32', shape: ['batch', 1, SIDE, SIDE] }],
      outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 2] }],
      initializers: new Map([
        ['w', float32([PIXELS, 2], weights)],
        ['v', float32([2, 2], [1, -1, 1, -1])],
      ]),
      nodes: [
        node('Flatten', ['picture'], 'flat'),
        node('MatMul', ['flat', 'w'], 'seen'),
        node('Gemm', ['seen', 'v'], 'logits'),
        node('Softmax', ['logits'], 'probabilities'),
      ],
      valueInfo: new Map(),
    },
    metadata: new Map(),
  };
}

describe('ballast drift --model', () => {
  let folder: string;
  const drift = async (...words: string[]) => {
    const { code, json } = await ballast(folder, 'drift', ...words, '--json');
    return { code, ...json<Document & object>() };
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-features-'));
    writeFileSync(join(folder, 'model.onnx'), writeModel(contrasts()));
    const random = derive(5, 'images');
    for (const [name, shift] of [
      ['before', 0],
      ['after', 20],
    ] as const) {
      const images = Array.from({ length: 300 }, () =>
        Array.from({ length: PIXELS }, (_, pixel) => {
          const value = 128 + random.normal(0, 40) + (pixel % SIDE >= SIDE / 2 ? shift : -shift);
          return Math.round(Math.min(255, Math.max(0, value)));
        }),
      );
      const header = Buffer.from([
        0,
        0,
        8,
        3,
        0,
        0,
        images.length >> 8,
        images.length & 255,
        0,
        0,
        0,
        SIDE,
        0,
        0,
        0,
        SIDE,
      ]);
      writeFileSync(join(folder, `${name}-images-idx3-ubyte`), Buffer.concat([header, Buffer.from(images.flat())]));
      mkdirSync(join(folder, name));
      for (const [i, pixels] of images.slice(0, 80).entries()) {
        const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
        await sharp(Buffer.from(pixels), { raw })
          .png()
          .toFile(join(folder, name, `${i}.png`));
      }
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['idx files', 'before-images-idx3-ubyte', 'after-images-idx3-ubyte'],
    ['folders of images', 'before', 'after'],
  ])('sees in %s what the model sees, and what it does not', async (_name, before, after) => {
    const found = await drift(before, after, '--model', 'model.onnx');
    expect(found).toMatchObject({ code: 1, drifted: true, columns: { skipped: {} } });
    const of = ({ features }: Document) => features.map(({ name, drifted }) => `${name} ${drifted}`).sort();
    expect(of(found)).toEqual(['seen[0] true', 'seen[1] false']);
    expect(await drift(before, before, '--model', 'model.onnx')).toMatchObject({ code: 0, drifted: false });
    const answers = await drift(before, after, '--model', 'model.onnx', '--layer', 'logits', '--multivariate', 'none');
    expect(of(answers)).toEqual(['logits[0] true', 'logits[1] true']);
  });

  test('says which layers there are, and what has no effect', async () => {
    const files = ['before-images-idx3-ubyte', 'after-images-idx3-ubyte'];
    const unknown = await drift(...files, '--model', 'model.onnx', '--layer', 'none');
    expect(unknown).toMatchObject({ code: 2, error: { code: 'DRIFT_LAYER' } });
    expect(unknown.error?.remedy).toContain('probabilities, logits, seen, flat');
    expect(await drift(...files, '--layer', 'seen')).toMatchObject({ code: 2 });
    expect(await drift(...files, '--model', 'model.onnx', '--held-bytes', '1')).toMatchObject({ code: 2 });
  });
});
