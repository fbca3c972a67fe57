import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareData } from './prepare.js';
import { resolveSpec } from './read.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-series-'));
  const lines = Array.from({ length: 40 }, (_, i) => `${i % 2 === 0 ? 'a' : 'b'},${i},${i * i},${Math.sin(i)}`);
  await writeFile(join(folder, 'rows.csv'), ['y,v1,v2,load', ...lines].join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const register = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  countRead: () => Promise.resolve(1),
};

describe('series of a spec', () => {
  it('reach the network as tensors of their own, encoded by channel; their columns are no features', async () => {
    const spec = {
      name: 'series',
      data: {
        source: join(folder, 'rows.csv'),
        target: 'y',
        features: {
          exclude: ['load'],
          series: { wide: { columns: ['v*'] }, past: { columns: ['load'], past: 5 } },
        },
      },
      task: 'classification',
      model: { type: 'mlp' },
    };
    const { preprocessor, roles, table, split } = await prepareData(resolveSpec(spec), { register });
    expect(roles.features).toEqual(['wide', 'past']);
    expect(preprocessor.outputs.map(({ name, content, shape }) => [name, content, shape])).toEqual([
      ['series.wide', 'series', [2, 1]],
      ['series.past', 'series', [5, 1]],
    ]);
    const { inputs } = preprocessor.transform(table, split.train);
    expect(inputs['series.past'].shape).toEqual([split.train.length, 5, 1]);
    expect(Array.from(inputs['series.past'].data as Float32Array).every(Number.isFinite)).toBe(true);
  });
});
