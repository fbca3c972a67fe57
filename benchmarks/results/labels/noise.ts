/** Robust losses and selection of rows where a known share of the training labels is wrong. */
import { join } from 'node:path';
import { int64 } from '../../../src/graph/tensor.js';
import { derive } from '../../../src/numeric/random.js';
import type { TrainingProblem } from '../../../src/training/problem.js';
import { type Arm, show, summary, trainArms, valuesOf } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { digitsData } from '../support/digits-table.js';

/** Every label of the training and validation part with that chance another one, all others alike. */
export function withWrongLabels(share: number): (problem: TrainingProblem, seed: number) => TrainingProblem {
  return (problem, seed) => {
    const stream = derive(seed, 'wrong labels');
    const count = problem.classes.length;
    const labels = Array.from(problem.data.target.data as BigInt64Array, (given) => {
      const label = Number(given);
      if (stream.uniform() >= share) return label;
      return (label + 1 + Math.floor(stream.uniform() * (count - 1))) % count;
    });
    return { ...problem, data: { ...problem.data, target: int64([labels.length], labels) } };
  };
}

const DIGITS = {
  name: 'digits',
  task: 'classification',
  model: { type: 'mlp', hidden: [128, 128] },
  training: { epochs: 40, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.002 } },
};

const FASHION = {
  name: 'fashion-mnist',
  task: 'classification',
  model: { type: 'mlp', hidden: [128] },
  training: { epochs: 25, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.001 } },
};

/** No strength is tuned: papers' defaults, and shares dropped are those of the noise (0.2 on clean labels, to see the cost). */
const armsOf = (noise: number): Arm[] => [
  { name: 'plain', regularizers: [] },
  { name: 'label-smoothing 0.3', regularizers: [{ type: 'label-smoothing', strength: 0.3 }] },
  {
    name: 'bootstrapping 0.5, hard',
    regularizers: [{ type: 'bootstrapping', mode: 'hard', strength: 0.5, schedule: RISING }],
  },
  { name: 'gce 0.7', regularizers: [{ type: 'gce', strength: 0.7 }] },
  ...['small-loss', 'co-teaching'].map((type) => ({
    name: `${type} ${noise === 0 ? 0.2 : noise}`,
    regularizers: [{ type, strength: noise === 0 ? 0.2 : noise, schedule: RISING }],
  })),
];

const RISING = { from: 0, to: 1, over: 10 };

export async function noisePart({ datasets, tell }: ResultsSetting, seeds: number): Promise<string> {
  const cases = [
    {
      spec: {
        ...DIGITS,
        data: digitsData(datasets, { validation: 0.15, holdout: 0.35 }),
      },
      shares: [0, 0.2, 0.4],
    },
    {
      spec: {
        ...FASHION,
        data: {
          source: join(datasets, 'fashion-mnist-t10k/t10k-images-idx3-ubyte.gz'),
          target: 'label',
          split: { validation: 500, holdout: 7000 },
        },
      },
      shares: [0.4],
    },
  ];
  const lines: string[] = [];
  for (const { spec, shares } of cases) {
    for (const share of shares) {
      const arms = armsOf(share);
      const trials = await trainArms(spec, arms, { seeds, tell, change: withWrongLabels(share) });
      const accuracy = (name: string): number[] => valuesOf(trials, name, (trial) => trial.holdout.accuracy);
      for (const { name } of arms) {
        const { mean, gain } = summary(accuracy(name), name === 'plain' ? undefined : accuracy('plain'));
        lines.push(
          `| ${spec.name} | ${100 * share} % | ${name} | ${show(mean)} | ${gain === undefined ? '' : show(gain)} |`,
        );
      }
    }
  }
  return `## Wrong labels in training

Every training label is another one with the chance given, all others alike; the labels of the holdout are clean. Accuracy on the
holdout, and its gain over plain training with the same wrong labels, paired by seed. Multilayer perceptrons that can learn every
label by heart (digits: 900 rows, 40 epochs; fashion-mnist: 2,500 rows, 25 epochs), weights of the last epoch. Nothing is tuned: gce
at its paper's q, the share dropped is that of the noise (0.2 on clean labels, to see what that costs).

| data | wrong | regularizer | accuracy | gain |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
