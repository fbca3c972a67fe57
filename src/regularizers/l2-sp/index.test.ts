import { beforeAll, describe, expect, it } from 'vitest';
import { expectGoldenGradient, type GoldenNetwork, readGolden } from '../../../test/support/golden-network.js';
import { problem, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';

const golden = readGolden<GoldenNetwork>(import.meta.url, 'l2-sp');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('l2-sp against PyTorch', () => {
  it.each(golden.cases.map((test, i) => ({ i, test })))('case $i', ({ test }) =>
    expectGoldenGradient(runtime, golden, test),
  );
});

describe('l2-sp in a run', () => {
  const optimizer = { type: 'sgd', learningRate: 0.005 };
  const distances = async (regularizers: Record<string, unknown>[]): Promise<{ body: number; head: number }> => {
    const given = problem({ regularizers, training: { epochs: 40, optimizer } });
    const { graph } = await trained(runtime, given);
    let [body, head] = [0, 0];
    for (const [name, { type, data }] of graph.initializers) {
      if (type !== 'float32') continue;
      const start = given.graph.initializers.get(name)!.data as Float32Array;
      (data as Float32Array).forEach((value, i) => {
        if (name.startsWith('output')) head += value ** 2;
        else body += (value - start[i]) ** 2;
      });
    }
    return { body, head };
  };

  it('holds the body at its start and the new head at 0', async () => {
    const plain = await distances([]);
    const held = await distances([{ type: 'l2-sp', strength: 10 }]);
    expect(held.body).toBeLessThan(plain.body / 100);
    expect(held.head).toBeLessThan(plain.head / 100);
  });

  it('leaves the new head alone where it is told to', async () => {
    const held = await distances([{ type: 'l2-sp', strength: 10, head: 0 }]);
    const both = await distances([{ type: 'l2-sp', strength: 10 }]);
    expect(held.head).toBeGreaterThan(100 * both.head);
  });
});
