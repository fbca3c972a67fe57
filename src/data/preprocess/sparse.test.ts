import { describe, expect, it } from 'vitest';
import { writeModel } from '../../graph/format/encode.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { dataOptionsSchema } from '../options.js';
import { type Roles, resolveRoles } from '../roles.js';
import type { Table } from '../table.js';
import { fitPreprocessor } from './fit.js';
import { FEATURES, Preprocessor } from './preprocessor.js';
import { rawTensors } from './raw-tensors.js';

const table: Table = {
  rows: 4,
  columns: [
    { kind: 'number', name: 'age', type: 'float', values: Float32Array.of(1, 2, 3, 4) },
    { kind: 'category', name: 'town', codes: Int32Array.of(0, 1, 0, 1), dictionary: ['a', 'b'] },
    { kind: 'text', name: 'note', values: ['red red fox', 'a fox', '', 'red hen and fox'] },
    {
      kind: 'sparse',
      name: 'counts',
      width: 6,
      starts: Int32Array.of(0, 2, 2, 4, 6),
      indices: Int32Array.of(0, 3, 3, 5, 1, 5),
      values: Float32Array.of(1, 0.5, 2, -1, 7, 3),
    },
    { kind: 'number', name: 'y', type: 'float', values: Float32Array.of(0, 1, 0, 1) },
  ],
};
const options = dataOptionsSchema.parse({ source: 'none', target: 'y', features: { text: { minimumRows: 1 } } });
const roles: Roles = resolveRoles(table, options);
const training = Uint32Array.of(0, 1, 2);
const rows = Uint32Array.of(3, 0, 2, 1);

describe('sparse features', () => {
  const fitted = fitPreprocessor(table, roles, training, { task: 'regression', features: options.features });
  const preprocessor = Preprocessor.fromJSON(JSON.parse(JSON.stringify(fitted)));
  const full = preprocessor.transform(table, rows).inputs[FEATURES].data;
  const width = preprocessor.features.length;

  it('are those places that some training row has', () => {
    expect(preprocessor.featureNames.slice(-3)).toEqual(['counts[0]', 'counts[3]', 'counts[5]']);
    expect(Array.from(full.slice(width - 3, width), Number)).toEqual([0, 0, 3]);
  });

  it('are the same as columns without their zeros', () => {
    const { starts, indices, values, columns } = preprocessor.columns(table, rows);
    const written = new Float32Array(rows.length * columns);
    for (let j = 0; j < columns; j++) {
      for (let at = starts[j]; at < starts[j + 1]; at++) {
        written[indices[at] * columns + j] = values[at];
        expect(values[at]).not.toBe(0);
        if (at > starts[j]) expect(indices[at]).toBeGreaterThan(indices[at - 1]);
      }
    }
    expect(written).toEqual(full);
  });

  it('are those of the exported encoding, which takes rows written out', async () => {
    const runtime = await openRuntime();
    const opsets = new Map([
      ['', 21],
      ['ai.onnx.ml', 3],
    ]);
    const model = { irVersion: 10, opsets, producer: { name: 'test', version: '' }, metadata: new Map() };
    const session = await runtime.load(writeModel({ ...model, graph: preprocessor.graph }));
    try {
      const answer = await session.run(rawTensors(preprocessor.inputs, table, rows));
      // The runtime sums squares of a text's weights in another order.
      const made = answer[FEATURES].data as Float32Array;
      full.forEach((value, at) => {
        expect(made[at]).toBeCloseTo(Number(value), 6);
      });
    } finally {
      session.release();
    }
  });

  it('of fewer numbers a row have zeros for the rest, of more are refused', () => {
    const [, , , sparse] = table.columns;
    if (sparse.kind !== 'sparse') throw new Error('no sparse column');
    const as = (width: number): Table => ({
      ...table,
      columns: table.columns.map((column) => (column === sparse ? { ...sparse, width } : column)),
    });
    expect(preprocessor.transform(as(5), Uint32Array.of(1)).rows).toBe(1);
    expect(() => preprocessor.columns(as(7), rows)).toThrowError(/7 numbers a row/);
  });
});
