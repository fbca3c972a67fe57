import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { gradients } from '../../graph/gradients.js';
import { float32, int64 } from '../../graph/tensor.js';
import { crossLosses } from './index.js';

interface Golden {
  readonly forget: number;
  readonly logits: readonly (readonly (readonly number[])[])[];
  readonly labels: readonly number[];
  readonly losses: readonly [number, number];
  readonly gradients: readonly (readonly (readonly number[])[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/co-teaching.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('co-teaching against algorithm 1 of Han et al. in PyTorch', () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const { forget, logits, labels, losses, gradients: expected } = golden;
    const [rows, classes] = [labels.length, logits[0][0].length];
    const feeds = {
      first: float32([rows, classes], logits[0].flat()),
      second: float32([rows, classes], logits[1].flat()),
      labels: int64([rows], labels),
    };
    const found = await computed(feeds, ({ b, inputs }) => {
      const target = b.oneHot(inputs.labels, classes);
      const ofRows = [inputs.first, inputs.second].map((each) =>
        b.neg(b.reduceSum(b.mul(b.logSoftmax(each), target), [1])),
      );
      const mean = b.reduceMean(crossLosses(b, ofRows, b.scalar(forget)));
      // A step trains by the sum over the networks of what it tells the mean of.
      const [first, second] = gradients(b, b.mul(mean, 2), [inputs.first, inputs.second]);
      return { mean, byFirst: first!, bySecond: second! };
    });
    expect(found.mean[0]).toBeCloseTo((losses[0] + losses[1]) / 2, 6);
    expected[0].flat().forEach((value, i) => {
      expect(found.byFirst[i]).toBeCloseTo(value, 6);
    });
    expected[1].flat().forEach((value, i) => {
      expect(found.bySecond[i]).toBeCloseTo(value, 6);
    });
  });
});
