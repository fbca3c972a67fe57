import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { gradients } from '../../graph/gradients.js';
import { float32, int64 } from '../../graph/tensor.js';
import { invariancePenalty } from './index.js';

interface Golden {
  readonly task: 'classification' | 'regression';
  readonly outputs: readonly (readonly number[])[];
  readonly codes: readonly number[];
  readonly target: readonly number[];
  readonly domains: number;
  readonly penalty: number;
  readonly gradient: readonly (readonly number[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/irm.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe("IRMv1 against PyTorch's derivative by a dummy factor", () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', async ({ golden }) => {
    const { task, outputs, codes, target, domains, penalty, gradient } = golden;
    const [rows, width] = [outputs.length, outputs[0].length];
    const feeds = {
      outputs: float32([rows, width], outputs.flat()),
      codes: int64([rows], codes),
      labels: task === 'classification' ? int64([rows], target) : float32([rows, 1], target),
    };
    const found = await computed(feeds, ({ b, inputs }) => {
      // One domain more, of which there is no row: it does not count.
      const masks = Array.from({ length: domains + 1 }, (_, code) =>
        b.cast(b.equal(inputs.codes, b.scalar(code, 'int64')), 'float32'),
      );
      const targets = task === 'classification' ? b.oneHot(inputs.labels, width) : inputs.labels;
      const value = invariancePenalty(b, masks, { task, outputs: inputs.outputs, targets });
      return { value, gradient: gradients(b, value, [inputs.outputs])[0]! };
    });
    expect(Math.abs(found.value[0] / penalty - 1)).toBeLessThan(1e-5);
    gradient.flat().forEach((value, i) => {
      expect(Math.abs(found.gradient[i] - value)).toBeLessThan(1e-5);
    });
  });
});
