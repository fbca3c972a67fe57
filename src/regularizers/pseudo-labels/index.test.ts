import { beforeAll, describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { expectGoldenGradient, type GoldenNetwork, readGolden } from '../../../test/support/golden-network.js';
import { problem, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { confidentLabels } from './index.js';

const golden = readGolden<GoldenNetwork>(import.meta.url, 'pseudo-labels');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('confidentLabels', () => {
  it('takes the largest class of rows that are sure of it', async () => {
    const logits = float32([3, 3], [9, 0, 0, 0.1, 0, 0.2, 0, 0, 5]);
    const found = await computed({ logits }, ({ b, inputs }) => confidentLabels(b, inputs.logits, 0.95) as never);
    expect(found).toEqual({ labels: [1, 0, 0, 0, 0, 1, 0, 0, 1], accepted: [1, 0, 1] });
  });
});

describe('pseudo-labels against PyTorch', () => {
  it.each(golden.cases.map((test, i) => ({ i, test })))('case $i', ({ test }) =>
    expectGoldenGradient(runtime, golden, test),
  );
});

describe('pseudo-labels in a run', () => {
  it('tells how many rows took part', async () => {
    const share = async (confidence: number): Promise<number> => {
      const given = problem({ unlabelled: 20, regularizers: [{ type: 'pseudo-labels', confidence }] });
      const { findings } = await trained(runtime, given);
      const { message } = findings.find(({ code }) => code === 'PSEUDO_LABELS_TAKEN')!;
      return Number(/label ([\d.]+) %/.exec(message)![1]);
    };
    expect(await share(0)).toBe(100);
    const some = await share(0.5);
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(100);
    expect(await share(1)).toBe(0);
  });

  it('has nothing to act on where every row has a label', async () => {
    await expect(trained(runtime, problem({ regularizers: [{ type: 'pseudo-labels' }] }))).rejects.toMatchObject({
      code: 'REGULARIZER_WITHOUT_EFFECT',
    });
  });
});
