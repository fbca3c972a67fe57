import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { problem } from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { effectiveNumberWeights } from './index.js';

const { cases } = JSON.parse(readFileSync(new URL('./goldens/weights.json', import.meta.url), 'utf8')) as {
  cases: readonly { rows: readonly number[]; beta: number; weights: readonly number[] }[];
};

describe('weights by effective numbers, against equation 6 of Cui et al. in NumPy', () => {
  it.each(cases)('beta $beta of $rows', async ({ rows, beta, weights }) => {
    const { found, alike } = await computed({ beta: float32([], [beta]) }, ({ b, inputs }) => ({
      found: effectiveNumberWeights(b, rows, inputs.beta),
      alike: effectiveNumberWeights(b, rows, 0),
    }));
    // 1 - beta as a difference of float32 numbers keeps three digits at 0.9999.
    weights.forEach((weight, i) => {
      expect(Math.abs(found[i] / weight - 1)).toBeLessThan(1e-3);
    });
    expect(alike).toEqual(weights.map(() => 1));
  });
});

describe('what is balanced', () => {
  const given = problem();
  const setting = (task: 'classification' | 'regression', columns = given.data.columns!) => ({
    task,
    columns,
    active: [resolveEntry({ type: 'sample-reweighting', by: task === 'regression' ? 'class' : 'group' }, 'here')],
    parameters: [],
    operators: [],
    optimizer: 'adamw',
    inputs: given.inputs,
    rows: 40,
    epochs: 2,
    classes: [],
  });

  it('is refused where there is no such column, or no class', () => {
    expect(findConflicts(setting('classification'))).toEqual([]);
    expect(findConflicts(setting('classification', [])).map(({ code }) => code)).toEqual([
      'SAMPLE_REWEIGHTING_NEEDS_GROUP',
    ]);
    expect(findConflicts(setting('regression')).map(({ code }) => code)).toEqual(['SAMPLE_REWEIGHTING_NEEDS_CLASSES']);
  });
});
