/** A target without labels that looks otherwise: digits disturbed and turned. */
import { join } from 'node:path';
import { derive } from '../../../src/numeric/random.js';
import type { ResultsSetting } from '../page.js';
import { type Digit, noisy, readDigits, turned, writeDigits } from '../support/digits.js';
import { fixed, overStrengths, type Technique } from '../support/tuned.js';
import { shiftLines } from './shift.js';

const SOURCE_ROWS = 4000;
const TARGET_ROWS = 2500;
const VALIDATION_ROWS = 300;

/** Techniques that align the named target with the rest. */
const adapting = (target: string): Technique[] => [
  fixed({ name: 'source alone', regularizers: [] }),
  overStrengths('coral', [1, 10, 100, 1000], (strength) => [{ type: 'coral', strength, target }]),
  overStrengths('mmd', [0.1, 0.3, 1, 3], (strength) => [{ type: 'mmd', strength, target }]),
  overStrengths('domain-adversarial', [0.03, 0.1, 0.3, 1], (strength) => [
    { type: 'domain-adversarial', strength, target },
  ]),
  overStrengths('pseudo-labels', [0.3, 1], (strength) => [
    { type: 'pseudo-labels', strength, schedule: { type: 'linear', from: 0, to: 1, over: 10 } },
  ]),
];

export async function adaptationPart(
  { datasets, tell }: ResultsSetting,
  folder: string,
  seeds: number,
): Promise<string> {
  const digits = readDigits(datasets);
  const stream = derive(1, 'noise on the target');
  const lines: string[] = [];
  const targets: readonly { name: string; change: (digit: Digit) => Digit }[] = [
    { name: 'noisy', change: (digit) => noisy(digit, 0.4, stream) },
    { name: 'turned', change: (digit) => turned(digit, 35) },
  ];
  for (const { name, change } of targets) {
    const file = (part: string): string => join(folder, `${name}-${part}.csv.gz`);
    const source = digits.slice(0, SOURCE_ROWS).map((digit) => ({ ...digit, domain: 'clean' }));
    const target = digits.slice(SOURCE_ROWS).map((digit) => ({ ...change(digit), domain: name }));
    const from = TARGET_ROWS + VALIDATION_ROWS;
    writeDigits(file('labelled'), [...source, ...target.slice(0, TARGET_ROWS)]);
    writeDigits(file('train'), [
      ...source,
      ...target.slice(0, TARGET_ROWS).map((row) => ({ ...row, label: undefined })),
    ]);
    writeDigits(file('validation'), target.slice(TARGET_ROWS, from));
    writeDigits(file('test'), target.slice(from));
    const data = {
      source: file('train'),
      target: 'label',
      unlabelled: 'keep',
      columns: { domain: 'domain' },
      features: { scaling: 'none' },
      split: { validation: 500, holdout: 1000 },
    };
    const spec = {
      name: `${name}-digits`,
      task: 'classification',
      data,
      model: { type: 'mlp', hidden: [128, 64] },
      training: {
        epochs: 20,
        batchSize: 128,
        optimizer: { type: 'adamw', learningRate: 0.001 },
        trainMetricsRows: 100,
      },
    };
    lines.push(
      ...(await shiftLines(
        name,
        {
          spec,
          techniques: adapting(name),
          references: [
            {
              name: 'labels of the target too',
              regularizers: [],
              spec: { data: { ...data, source: file('labelled'), unlabelled: 'refuse' } },
            },
          ],
          validation: file('validation'),
          test: file('test'),
          metric: 'accuracy',
        },
        { tell },
        seeds,
      )),
    );
  }
  return `## Shifted target: clean digits, then noisy or turned ones

${SOURCE_ROWS} of MNIST's test digits (14 x 14) with labels; ${TARGET_ROWS} others without labels, disturbed by Gaussian noise of standard deviation 0.4
(pixels go from 0 to 1) or turned by 35 degrees; ${10_000 - SOURCE_ROWS - TARGET_ROWS - VALIDATION_ROWS} more of the target are reported on. \`labels of the target too\` is what would be reached if its ${TARGET_ROWS} rows
had labels.

| target | technique and strength | accuracy on the target | gain over source alone | accuracy on the source |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
