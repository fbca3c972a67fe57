import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { problem } from '../../../test/support/training-problem.js';
import { gradients } from '../../graph/gradients.js';
import { float32, int64 } from '../../graph/tensor.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { groupCodes, groupNames } from './groups.js';
import { adversaryStep } from './index.js';

interface Golden {
  readonly eta: number;
  readonly adjustment: number;
  readonly sizes: readonly number[];
  readonly steps: readonly {
    readonly logits: readonly (readonly number[])[];
    readonly labels: readonly number[];
    readonly codes: readonly number[];
    readonly q: readonly number[];
    readonly loss: number;
    readonly gradient: readonly (readonly number[])[];
  }[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/group-dro.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('group DRO against algorithm 1 of Sagawa et al. in PyTorch', () => {
  it.each(cases)('step size $eta, adjustment $adjustment', async ({ eta, adjustment, sizes, steps }) => {
    let q = sizes.map(() => 1 / sizes.length);
    for (const step of steps) {
      const [rows, classes] = [step.labels.length, step.logits[0].length];
      const charge = step.codes.map((code) => adjustment / Math.sqrt(sizes[code]));
      const feeds = {
        logits: float32([rows, classes], step.logits.flat()),
        labels: int64([rows], step.labels),
        codes: int64([rows], step.codes),
        charge: float32([rows], charge),
        q: float32([q.length], q),
      };
      const found = await computed(feeds, ({ b, inputs }) => {
        const target = b.oneHot(inputs.labels, classes);
        const losses = b.neg(b.reduceSum(b.mul(b.logSoftmax(inputs.logits), target), [1]));
        const members = b.oneHot(inputs.codes, q.length);
        const weights = b.scalar(1, 'float32', [rows]);
        const made = adversaryStep(b, { losses, weights, members, q: inputs.q, adjustment: inputs.charge }, eta);
        const loss = b.div(b.reduceSum(b.mul(losses, made.weights)), b.reduceSum(made.weights));
        return { q: made.q, loss, gradient: gradients(b, loss, [inputs.logits])[0]! };
      });
      step.q.forEach((value, g) => {
        expect(found.q[g]).toBeCloseTo(value, 6);
      });
      expect(found.loss[0]).toBeCloseTo(step.loss, 5);
      step.gradient.flat().forEach((value, i) => {
        expect(found.gradient[i]).toBeCloseTo(value, 6);
      });
      q = found.q;
    }
  });
});

describe('groups', () => {
  const given = problem();
  const columns = given.data.columns!;

  it('are values, and one more for rows without; by class where asked for', () => {
    const context = { columns, classes: ['no', 'yes'] };
    expect(groupNames({ by: 'group', classes: false }, context)).toEqual(['x', 'y', 'z', 'missing']);
    expect(groupNames({ by: 'class', classes: false }, context)).toEqual(['no', 'yes']);
    expect(groupNames({ by: 'sensitive', classes: true }, context)).toEqual([
      'p, no',
      'p, yes',
      'q, no',
      'q, yes',
      'missing, no',
      'missing, yes',
    ]);
    const codes = groupCodes({ by: 'sensitive', classes: true }, Int32Array.of(0, 1, -1), [1, 0, 1], {
      values: 2,
      classes: 2,
    });
    expect(Array.from(codes)).toEqual([1, 2, 5]);
  });

  it('need their column, and classes where they are made of them', () => {
    const codesOf = (entry: Record<string, unknown>, task: 'classification' | 'regression', known = columns) =>
      findConflicts({
        active: [resolveEntry({ type: 'group-dro', ...entry }, 'here')],
        task,
        columns: known,
        parameters: [],
        operators: [],
        optimizer: 'adamw',
        inputs: given.inputs,
        rows: 40,
        epochs: 2,
        classes: [],
      }).map(({ code }) => code);
    expect(codesOf({}, 'regression')).toEqual([]);
    expect(codesOf({ by: 'group' }, 'classification', [])).toEqual(['GROUP_DRO_NEEDS_GROUP']);
    expect(codesOf({}, 'classification', [])).toEqual(['GROUP_DRO_NEEDS_SENSITIVE']);
    expect(codesOf({ by: 'class' }, 'classification', [])).toEqual([]);
    expect(codesOf({ classes: true }, 'regression')).toEqual(['GROUP_DRO_NEEDS_CLASSES']);
  });
});
