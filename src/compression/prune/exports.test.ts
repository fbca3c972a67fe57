import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { readModel } from '../../graph/format/decode.js';
import { writeModel } from '../../graph/format/encode.js';
import { normalize } from '../../graph/format/normalize.js';
import type { Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { prepareModel } from '../quantize/prepare.js';
import { cutUnits } from './cut.js';
import { prunableGroups } from './structured.js';

/** What PyTorch exports, by both exporters and with a free batch size, against PyTorch's own answers without some units. */

interface ExportedNetwork {
  readonly name: string;
  readonly model: string;
  readonly x: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly without: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('goldens/exports.json', import.meta.url), 'utf8')) as {
  cases: ExportedNetwork[];
};

/** How many attentions there are, of four heads each, and recurrent layers of six hidden units, that lose some by themselves. */
const WIDTHS: Readonly<Record<string, readonly number[]>> = {
  TransformerEncoder: [4],
  'TransformerEncoder, steps first': [4],
  TransformerDecoder: [4, 4],
  'qkv unbound': [4],
  'qkv unbound, fused': [4],
  'qkv in chunks': [4],
  LSTM: [6],
  'LSTM, stacked, both directions': [6, 6],
  // Last states of all layers are put into one tensor, so that these lose the same.
  'GRU, stacked, both directions, last states': [6],
  RNN: [6],
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

async function answersOf(model: Model, feeds: Record<string, Tensor>): Promise<number[]> {
  const session = await runtime.load(writeModel(model));
  try {
    return Array.from((await session.run(feeds)).y.data as Float32Array);
  } finally {
    session.release();
  }
}

describe('heads and hidden units can go from', () => {
  test.each(cases)('$name', async ({ name, model: packed, x, without }) => {
    const given = normalize(readModel(inflateSync(Buffer.from(packed, 'base64'))));
    const { model } = await prepareModel(runtime, given);
    const width = x.data.length / x.shape[0];
    // What goes together is found on one row, and holds for any number.
    const one = { x: float32([1, ...x.shape.slice(1)], x.data.slice(0, width)) };
    for (const seen of [one, { x: float32(x.shape, x.data) }]) {
      const { dependencies, groups } = await prunableGroups(runtime, model, seen);
      const found = groups.filter(({ units }) => units.length === 4 || units.length === 6);
      expect(found.map(({ units }) => units.length)).toEqual(WIDTHS[name.replace(/ \(.*/, '')]);
      const cut = cutUnits(model, dependencies, new Set(found.map(({ units }) => units[1].id)));
      const weights = ({ graph }: Model): number =>
        [...graph.initializers.values()].reduce(
          (sum, { type, data }) => sum + (type === 'float32' ? data.length : 0),
          0,
        );
      expect(weights(cut)).toBeLessThan(weights(model));
      const answers = await answersOf(cut, { x: float32(x.shape, x.data) });
      expect(Math.max(...answers.map((y, i) => Math.abs(y - without[i])))).toBeLessThan(1e-5);
    }
  });
});
