import { beforeAll, describe, expect, it } from 'vitest';
import { readGolden } from '../../../test/support/golden-network.js';
import { expectGoldenTasks, type GoldenTasks, goldenTasks } from '../../../test/support/golden-tasks.js';
import { trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { defineRegularizer, type Regularizer } from '../regularizer.js';
import { ewc, takeUp } from './index.js';

interface Golden extends GoldenTasks {
  readonly informations: Readonly<Record<'exact' | 'empirical', Readonly<Record<string, number[]>>>>;
}

const golden = readGolden<Golden>(import.meta.url, 'ewc');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('ewc over three tasks against PyTorch', () => {
  it.each(golden.runs.map((run, i) => ({ i, run })))('run $i', ({ run }) => expectGoldenTasks(runtime, golden, run));
});

describe('Fisher information against PyTorch, row by row', () => {
  it.each(['exact', 'empirical'] as const)('%s', async (labels) => {
    let found: ReadonlyMap<string, Float32Array> = new Map();
    const probe = defineRegularizer({
      ...(ewc as Regularizer),
      hooks: {
        ...(ewc as Regularizer).hooks,
        async afterTask(host) {
          if (host.task === 0) found = await host.squaredGradients(host.rows, labels);
        },
      },
    });
    const given = goldenTasks(golden, []);
    const still = { ...given.options, optimizer: { ...given.options.optimizer, learningRate: 1e-30 } };
    const active = { regularizer: probe, strength: 1, schedule: undefined, options: { mode: 'online' } };
    await trained(runtime, { ...given, options: still, regularizers: [active] });
    for (const [name, expected] of Object.entries(golden.informations[labels])) {
      const scale = Math.max(...expected);
      expected.forEach((value, i) => {
        expect(Math.abs(found.get(name)![i] - value) / scale).toBeLessThan(1e-5);
      });
    }
  });

  it('of one label a row is that of all in the mean', async () => {
    const of = async (seed: number, labels: 'exact' | 'sampled'): Promise<Float32Array> => {
      const given = goldenTasks(golden, [{ type: 'ewc', labels, strength: 1e-9 }]);
      const still = { ...given.options, optimizer: { ...given.options.optimizer, learningRate: 1e-30 } };
      const { checkpoints } = await trained(runtime, {
        ...given,
        seed,
        options: { ...still, checkpointSeconds: 0 },
      });
      return checkpoints.at(-1)!.state.get('state.own.ewc.0.precision.output.bias')!;
    };
    const exact = await of(1, 'exact');
    const sampled = await Promise.all(Array.from({ length: 40 }, (_, seed) => of(seed, 'sampled')));
    exact.forEach((value, i) => {
      const mean = sampled.reduce((sum, values) => sum + values[i], 0) / sampled.length;
      expect(Math.abs(mean / value - 1)).toBeLessThan(0.25);
    });
  });
});

describe('takeUp', () => {
  const quadratic = (tasks: readonly { f: number; w: number }[], at: number): number =>
    tasks.reduce((sum, { f, w }) => sum + (f / 2) * (at - w) ** 2, 0);

  it('offline keeps the sum of all quadratics but for a constant', () => {
    const tasks = [
      { f: 2, w: 1 },
      { f: 0, w: -4 },
      { f: 0.5, w: 3 },
    ];
    const kept = { precision: new Float32Array(1), anchor: Float32Array.of(7) };
    for (const { f, w } of tasks) {
      takeUp(kept, Float32Array.of(f), Float32Array.of(w), { mode: 'offline', decay: 1 });
    }
    const one = (at: number): number => (kept.precision[0] / 2) * (at - kept.anchor[0]) ** 2;
    for (const at of [-2, 0, 5]) {
      expect(one(at) - one(1)).toBeCloseTo(quadratic(tasks, at) - quadratic(tasks, 1), 5);
    }
  });

  it('online keeps the last anchor and decays what was before', () => {
    const kept = { precision: Float32Array.of(4), anchor: Float32Array.of(7) };
    takeUp(kept, Float32Array.of(1), Float32Array.of(2), { mode: 'online', decay: 0.5 });
    expect([kept.precision[0], kept.anchor[0]]).toEqual([3, 2]);
  });
});
