import { readFileSync } from 'node:fs';
import type { Attribute } from '../../model.js';
import { int64 } from '../../tensor.js';
import type { Golden, OperatorCase } from './case.js';

interface StoredInput {
  readonly type: 'float64' | 'int64';
  readonly variable: boolean;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface StoredCase extends Golden {
  readonly operator: string;
  readonly variant: string;
  readonly domain: string;
  readonly inputs: readonly (StoredInput | null)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: number;
}

/** The cases that `goldens/make_<name>.py` stored. */
function stored(name: string): OperatorCase[] {
  const text = readFileSync(new URL(`../goldens/${name}.json`, import.meta.url), 'utf8');
  const { cases } = JSON.parse(text) as { cases: StoredCase[] };
  return cases.map(({ operator, variant, domain, inputs, attributes, outputs, values, seeds, gradients }) => ({
    operator,
    variant,
    domain,
    inputs: inputs.map((input) => {
      if (input === null) return undefined;
      const { shape, data } = input;
      return input.variable ? { variable: true as const, shape, data } : int64(shape, data);
    }),
    attributes,
    outputs,
    authority: 'PyTorch' as const,
    golden: { values, seeds, gradients },
  }));
}

export const goldenCases: readonly OperatorCase[] = [
  'activation',
  'convolution',
  'pooling',
  'normalization',
  'resize',
].flatMap(stored);
