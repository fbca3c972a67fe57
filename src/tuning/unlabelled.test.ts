import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuntime } from '../graph/runtime/choose.js';
import { resolveSpec } from '../spec/index.js';
import { prepareData } from '../spec/prepare.js';
import { problemOf, trainRun } from './train-run.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-unlabelled-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('data.unlabelled', () => {
  const spec = (unlabelled: string, more: object = {}) => ({
    name: 'partly',
    task: 'classification',
    data: { source: join(folder, 'rows.csv'), target: 'y', unlabelled, columns: { domain: 'site' }, ...more },
    model: { type: 'mlp', hidden: [4] },
    training: { epochs: 2, batchSize: 16, sampler: 'balanced' },
  });
  const register = {
    read: () => Promise.resolve(undefined),
    write: () => Promise.resolve(),
    countRead: () => Promise.resolve(1),
  };
  beforeAll(async () => {
    // Every third row has no target; only those have x above 100.
    const lines = Array.from({ length: 120 }, (_, i) =>
      i % 3 === 2 ? `${200 + i},far,` : `${i % 50},near,${i % 2 === 0 ? 'yes' : 'no'}`,
    );
    await writeFile(join(folder, 'rows.csv'), ['x,site,y', ...lines].join('\n'));
  });

  it('refuses them unless told to keep them', async () => {
    await expect(prepareData(resolveSpec(spec('refuse')), { register })).rejects.toMatchObject({
      code: 'DATA_TARGET_MISSING_VALUES',
      remedy: expect.stringContaining('data.unlabelled: keep') as string,
    });
  });

  it('keeps them in the training part alone, counted, with their features fitted', async () => {
    const resolved = resolveSpec(spec('keep'));
    const data = await prepareData(resolved, { register });
    expect(data.unlabelled.length).toBe(40);
    const parts = [data.split.train, data.split.validation, data.split.holdout];
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBe(80);
    for (const part of parts) expect(Array.from(part).every((row) => row % 3 !== 2)).toBe(true);
    expect(data.notices).toContainEqual(expect.objectContaining({ code: 'TARGET_UNLABELLED', count: 40 }));
    const { problem: made } = await problemOf(resolved, data, {
      role: 'model',
      seed: 1,
      fold: undefined,
      ...data.split,
    });
    expect(made.data.unlabelled!.length).toBe(40);
    expect(made.data.target.shape).toEqual([data.split.train.length + data.split.validation.length + 40]);
    const { codes, values } = made.data.columns![0];
    expect(Array.from(made.data.unlabelled!, (row) => values[codes[row]])).toEqual(Array(40).fill('far'));
    // Scaled by rows with and without a target.
    expect(Math.max(...(made.data.inputs.features.data as Float32Array))).toBeLessThan(2.5);
    const run = await trainRun(made, {
      runtime: await openRuntime(),
      onEvent: () => Promise.resolve(),
      signal: undefined,
      resume: undefined,
    });
    expect(run.outputs.train.length).toBe(data.split.train.length * 2);
  });
});
