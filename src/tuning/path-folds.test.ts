import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../graph/runtime/runtime.js';
import { crossValidate } from '../paths/cross-validate.js';
import { fitPath } from '../paths/path.js';
import { randomProblem } from '../paths/problem.fixture.js';
import { defaultWorkers, keptFolds } from './path-folds.js';

const root = mkdtempSync(join(tmpdir(), 'ballast-folds-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

// Problems as small as these make no products by ONNX Runtime.
const runtime = undefined as unknown as Runtime;
const ROWS = 60;
const folds = [0, 1, 2].map((fold) => {
  const rows = Uint32Array.from({ length: ROWS }, (_, row) => row);
  return { train: rows.filter((row) => row % 3 !== fold), validation: rows.filter((row) => row % 3 === fold) };
});

describe('folds that are kept', () => {
  const problem = randomProblem('gaussian', { rows: ROWS });
  const options = { family: 'gaussian', count: 10 } as const;

  it('are found by the same cross-validation, and by no other', async () => {
    const folder = join(root, 'kept');
    const path = await fitPath(problem, options);
    const first = keptFolds(folder, { workers: 1, runtime, version: '1' });
    const stopping = new AbortController();
    const interrupted = crossValidate(
      problem,
      {
        ...options,
        signal: stopping.signal,
        onProgress: (done) => {
          if (done > 20) stopping.abort();
        },
      },
      path,
      folds,
      { runner: first },
    );
    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(first.counts).toEqual({ found: 0, done: 2 });

    const again = keptFolds(folder, { workers: 1, runtime, version: '1' });
    const cv = await crossValidate(problem, options, path, folds, { runner: again });
    expect(again.counts).toEqual({ found: 2, done: 1 });
    expect(cv).toEqual(await crossValidate(problem, options, path, folds));

    const others = [
      keptFolds(folder, { workers: 1, runtime, version: '2' }),
      keptFolds(folder, { workers: 1, runtime, version: '1' }),
      keptFolds(folder, { workers: 1, runtime, version: '1' }),
    ];
    const weighted = { ...problem, weights: new Float64Array(ROWS).fill(1) };
    await crossValidate(problem, options, path, folds, { runner: others[0] });
    await crossValidate(weighted, options, path, folds, { runner: others[1] });
    await crossValidate(problem, { ...options, lower: new Float64Array(12).fill(-2) }, path, folds, {
      runner: others[2],
    });
    for (const { counts } of others) expect(counts).toEqual({ found: 0, done: 3 });

    await Promise.all([again, ...others].map((runner) => runner.clear()));
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('how many folds are fitted at once', () => {
  const of = (rows: number, columns: number) => ({
    features: { rows, columns, data: new Float64Array(0) },
    target: new Float64Array(0),
  });

  it('is one where they are small, or where products of all columns take the time', () => {
    expect(defaultWorkers(of(800, 20), false, 10)).toBe(1);
    expect(defaultWorkers(of(100_000, 500), true, 10)).toBe(1);
    expect(defaultWorkers(of(500, 10_000), true, 10)).toBeGreaterThanOrEqual(1);
    expect(defaultWorkers(of(500, 1_000_000), true, 2)).toBeLessThanOrEqual(2);
  });
});
