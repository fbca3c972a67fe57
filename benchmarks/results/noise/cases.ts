/** What the page of noise and mixing trains, and on what. */
import { join } from 'node:path';
import { derive } from '../../../src/numeric/random.js';
import type { TrainingProblem } from '../../../src/training/problem.js';
import { digitsData } from '../support/digits-table.js';
import { germanCredit } from '../support/german-credit.js';
import { fixed, overStrengths, type Technique } from '../support/tuned.js';

export interface NoiseCase {
  readonly title: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly techniques: readonly Technique[];
  readonly change?: (problem: TrainingProblem, seed: number) => TrainingProblem;
}

const PLAIN = fixed({ name: 'plain', regularizers: [] });

/** One regularizer at several strengths. */
function single(
  type: string,
  strengths: readonly number[],
  options: Readonly<Record<string, unknown>> = {},
): Technique {
  const said = Object.values(options).filter((value) => typeof value === 'string');
  return overStrengths([type, ...said].join(' '), strengths, (strength) => [{ type, strength, ...options }]);
}

/** Dropout stands beside the noises as what they are measured against. */
const noises = (epochs: number): readonly Technique[] => [
  PLAIN,
  single('dropout', [0.2, 0.5]),
  single('input-noise', [0.1, 0.3, 1]),
  single('input-noise', [0.3, 1], { kind: 'multiplicative' }),
  single('activation-noise', [0.5, 1, 2]),
  overStrengths('activation-noise fading', [1, 2], (strength) => [
    { type: 'activation-noise', strength, schedule: { type: 'cosine', from: 1, to: 0, over: epochs } },
  ]),
  single('activation-noise', [0.3, 1], { kind: 'additive' }),
  single('weight-noise', [0.03, 0.1, 0.2]),
  single('weight-noise', [0.3, 0.6], { kind: 'multiplicative' }),
  single('gradient-noise', [1e-5, 1e-3, 0.1]),
];

const MIXING: readonly Technique[] = [single('mixup', [0.2, 1]), single('manifold-mixup', [0.2, 1, 2])];

/** So many of the training rows, drawn by the seed. */
const rowsDrawn =
  (size: number) =>
  (problem: TrainingProblem, seed: number): TrainingProblem => {
    const { train } = problem.data;
    const places = derive(seed, 'rows drawn').sample(train.length, size);
    return { ...problem, data: { ...problem.data, train: places.map((place) => train[place]) } };
  };

function digitsSpec(datasets: string, hidden: readonly number[], epochs: number, optimizer: object) {
  return {
    name: 'digits',
    task: 'classification',
    data: digitsData(datasets, { validation: 0.2, holdout: 0.5 }),
    model: { type: 'mlp', hidden },
    training: { epochs, batchSize: 32, optimizer },
  };
}

export function noiseCases(datasets: string): readonly NoiseCase[] {
  const adam = { type: 'adamw', learningRate: 0.002 };
  const german = {
    ...germanCredit(datasets),
    model: { type: 'mlp', hidden: [64, 64] },
    training: { epochs: 30, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.001 } },
  };
  const fashion = {
    name: 'fashion-mnist',
    task: 'classification',
    data: {
      source: join(datasets, 'fashion-mnist-t10k/t10k-images-idx3-ubyte.gz'),
      target: 'label',
      split: { validation: 1000, holdout: 4000 },
    },
    model: { type: 'cnn', layers: [{ conv: 8, stride: 2 }, { conv: 16, stride: 2 }, { dense: 64 }] },
    training: {
      epochs: 25,
      batchSize: 50,
      optimizer: { type: 'adamw', learningRate: 0.002, schedule: { type: 'cosine' } },
    },
  };
  return [
    { title: 'german-credit, 400 rows', spec: german, techniques: [...noises(30), ...MIXING] },
    {
      title: 'digits, 100 rows',
      spec: digitsSpec(datasets, [64, 64], 60, adam),
      techniques: [...noises(60), ...MIXING],
      change: rowsDrawn(100),
    },
    {
      title: 'digits, 540 rows',
      spec: digitsSpec(datasets, [64, 64], 40, adam),
      techniques: [...noises(40), ...MIXING],
    },
    {
      title: 'fashion-mnist, 1,000 images',
      spec: fashion,
      techniques: [PLAIN, ...MIXING, single('cutmix', [0.5, 1])],
      change: rowsDrawn(1000),
    },
  ];
}

/** Twenty layers of fifty units under plain gradient descent: what gradient noise was proposed for. */
export function deepCase(datasets: string): NoiseCase {
  return {
    title: 'digits, 20 layers',
    spec: digitsSpec(datasets, new Array<number>(20).fill(50), 25, { type: 'sgd', learningRate: 0.02, momentum: 0 }),
    techniques: [PLAIN, single('gradient-noise', [1e-4, 0.01, 0.3])],
  };
}
