import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  problem,
  trained,
  weightBytes,
  weightsOf,
  withOtherPlaceholders,
} from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { type Active, defineRegularizer, type Regularizer } from '../regularizers/regularizer.js';
import { findConflicts } from '../regularizers/resolve.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const SGD = { optimizer: { type: 'sgd', learningRate: 0.05, momentum: 0 }, batchSize: 40, epochs: 3 };

/** Adds the mean of the logits of rows without a label, and tries to give those rows a weight. */
const meddling = (weigh: boolean): Active => ({
  regularizer: defineRegularizer({
    type: 'meddling',
    title: 'Meddling',
    technique: 'T9',
    summary: 'Pulls the logits of rows without a label down.',
    strength: { unit: 'coefficient', default: 1, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
    options: z.strictObject({}),
    hooks: weigh
      ? {
          rowWeights: ({ b, strength, labelled }, _options, weights) =>
            b.add(weights, b.mul(b.sub(1, labelled()!), strength)),
        }
      : {
          objective: ({ b, strength, labelled }, _options, _weights, { logits }) =>
            b.mul(b.reduceSum(b.mul(logits, b.unsqueeze(b.sub(1, labelled()!), [1]))), strength),
        },
    cost: { training: 'none', inference: 'none' },
    fails: [],
    dataSize: 'none',
    references: [],
  }) as Regularizer,
  strength: 1,
  schedule: undefined,
  options: {},
});

describe('rows without a label in a run', () => {
  it('change nothing where no regularizer looks at them, whatever stands in their place', async () => {
    const some = problem({ unlabelled: 10, training: SGD });
    const first = await trained(runtime, some);
    expect(weightBytes(await trained(runtime, withOtherPlaceholders(some)))).toEqual(weightBytes(first));
    // Those with a label, alone in the batch.
    const without = { ...some, data: { ...some.data, unlabelled: new Int32Array(0) } };
    const alone = weightsOf(await trained(runtime, without));
    weightsOf(first).forEach((value, i) => {
      expect(value).toBeCloseTo(alone[i], 5);
    });
    expect(first.outputs.train.length).toBe(30 * 3);
  });

  it('keep weight 0 in the loss, also where a regularizer gives them one', async () => {
    const plain = problem({ unlabelled: 10, training: SGD });
    const weighed = await trained(runtime, { ...plain, regularizers: [meddling(true)] });
    const expected = weightsOf(await trained(runtime, plain));
    weightsOf(weighed).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
  });

  it('are seen by regularizers, and resumed to the same bytes', async () => {
    const given = {
      ...problem({ unlabelled: 10, training: { ...SGD, batchSize: 8, checkpointSeconds: 0 } }),
      regularizers: [meddling(false)],
    };
    const whole = await trained(runtime, given);
    expect(weightBytes(whole)).not.toEqual(weightBytes(await trained(runtime, { ...given, regularizers: [] })));
    const resumed = await trained(runtime, given, { resume: whole.checkpoints[7] });
    expect(weightBytes(resumed)).toEqual(weightBytes(whole));
  });

  it('refuse what looks at the label of every row', () => {
    const given = problem({ regularizers: [{ type: 'mixup', strength: 0.2 }] });
    const conflicts = findConflicts({
      active: given.regularizers,
      task: 'classification',
      parameters: [],
      operators: [],
      optimizer: 'sgd',
      inputs: [],
      rows: 10,
      epochs: 1,
      classes: given.classes,
      columns: [],
      unlabelled: 3,
    });
    expect(conflicts).toContainEqual(expect.objectContaining({ code: 'MIXUP_NEEDS_LABELS', severity: 'error' }));
  });
});
