/** Tasks learnt one after the other: what is forgotten, and by which technique less. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Arm, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import type { Results, ResultsSetting } from './page.js';
import { readDigits, turned, writeDigits } from './support/digits.js';
import { chosenArms, fixed, overStrengths, type Technique } from './support/tuned.js';

const PAIRS = [
  [0, 1],
  [2, 3],
  [4, 5],
  [6, 7],
  [8, 9],
];
const TURNS = [0, 45, 90];

/** Rows of an earlier task that replay may keep. */
const BUFFER = 50;

const TECHNIQUES: readonly Technique[] = [
  fixed({ name: 'naive', regularizers: [] }),
  overStrengths('ewc', [1, 100, 10_000, 1_000_000], (strength) => [{ type: 'ewc', strength }]),
  overStrengths('synaptic-intelligence', [0.1, 1, 10, 100], (strength) => [
    { type: 'synaptic-intelligence', strength },
  ]),
  overStrengths('learning-without-forgetting', [0.3, 1, 3, 10], (strength) => [
    { type: 'learning-without-forgetting', strength },
  ]),
  overStrengths('replay', [0.2, 0.5, 0.8], (strength) => [{ type: 'replay', strength, buffer: BUFFER }]),
];

interface Scenario {
  readonly title: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly tasks: Readonly<Record<string, unknown>>;
  /** How many tasks there are. */
  readonly count: number;
  /** Accuracy on the holdout of a model that saw all tasks at once. */
  readonly jointly: (trial: Trial) => number;
}

function scenarios(datasets: string, turnedDigits: string): Scenario[] {
  const split = {
    source: join(datasets, 'mnist-t10k/t10k-images-idx3-ubyte.gz'),
    target: 'label',
    split: { validation: 2000, holdout: 4000 },
  };
  return [
    {
      title: 'Split digits, a head for each task',
      text: `MNIST's test digits in five tasks (0 1, 2 3, 4 5, 6 7, 8 9). It is told which task a row belongs to: only its two classes compete
(\`tasks.heads: own\`).`,
      data: split,
      tasks: { classes: PAIRS, heads: 'own' },
      count: PAIRS.length,
      jointly: withinTasks,
    },
    {
      title: 'Split digits, one head for all',
      text: 'The same five tasks; all ten classes compete, and nothing tells which task a row is of.',
      data: split,
      tasks: { classes: PAIRS, heads: 'shared' },
      count: PAIRS.length,
      jointly: ({ holdout }) => holdout.accuracy,
    },
    {
      title: 'Turned digits',
      text: `The same ten classes in three tasks: upright digits, digits turned by ${TURNS.slice(1).join(' and by ')} degrees (14 x 14 pixels, 2,000 other digits each). Which way a
row is turned is not told.`,
      data: {
        source: turnedDigits,
        target: 'label',
        columns: { domain: 'domain' },
        split: { validation: 0.2, holdout: 0.4 },
      },
      tasks: { column: 'domain', order: TURNS.map((degrees) => `turned ${degrees}`) },
      count: TURNS.length,
      jointly: ({ holdout }) => holdout.accuracy,
    },
  ];
}

/** Accuracy where only the classes of a row's own task compete. */
function withinTasks({ scored: { target, outputs } }: Trial): number {
  const right = target.filter((label, row) => {
    const pair = PAIRS.find((classes) => classes.includes(label))!;
    return pair.every((other) => outputs[row * 10 + label] >= outputs[row * 10 + other]);
  });
  return right.length / target.length;
}

/** Epochs of each task. */
const EPOCHS = 6;

async function partOf(scenario: Scenario, { tell }: ResultsSetting, seeds: number): Promise<string> {
  const training = { batchSize: 32, optimizer: { type: 'adam', learningRate: 0.001 }, trainMetricsRows: 100 };
  const spec = {
    name: 'continual',
    task: 'classification',
    data: scenario.data,
    model: { type: 'mlp', hidden: [100, 100] },
    training: { ...training, epochs: EPOCHS * scenario.count, tasks: scenario.tasks },
  };
  const chosen = await chosenArms(spec, TECHNIQUES, ({ tasks }) => tasks!.average, { tell });
  // As many steps as all tasks together.
  const joint: Arm = {
    name: 'all tasks at once',
    regularizers: [],
    spec: { training: { ...training, epochs: EPOCHS } },
  };
  const trials = await trainArms(spec, [...chosen, joint], { seeds, tell, watch: 'holdout' });
  const average = (arm: string): number[] =>
    valuesOf(trials, arm, (trial) => trial.tasks?.average ?? scenario.jointly(trial));
  const forgetting = (arm: string): number[] => valuesOf(trials, arm, ({ tasks }) => tasks?.forgetting);
  const lines = [...chosen, joint].map(({ name }) => {
    const against = name === 'naive' ? undefined : average('naive');
    const { mean, gain } = summary(average(name), against);
    const lost = forgetting(name);
    const cells = [
      name,
      show(mean, 3),
      gain === undefined ? '' : show(gain, 3),
      lost.length === 0 ? '' : show(summary(lost).mean, 3),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## ${scenario.title}

${scenario.text}

| technique and strength | accuracy over tasks | gain over naive | forgetting |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
}

export const results: Results = {
  async page(setting) {
    const seeds = setting.quick ? 2 : 5;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-results-'));
    try {
      const file = join(folder, 'turned.csv.gz');
      const digits = readDigits(setting.datasets).slice(0, 2000 * TURNS.length);
      writeDigits(
        file,
        digits.map((digit, row) => {
          const degrees = TURNS[row % TURNS.length];
          return { ...turned(digit, degrees), domain: `turned ${degrees}` };
        }),
      );
      const parts: string[] = [];
      for (const scenario of scenarios(setting.datasets, file)) parts.push(await partOf(scenario, setting, seeds));
      return `# Tasks one after the other

Means over ${seeds} seeds **on the holdout** with 95 % intervals (Student's t); gains are paired by seed, above 0 is better. A
perceptron with two hidden layers of 100 units, ${EPOCHS} epochs a task, batches of 32, Adam at 0.001. \`naive\` trains on one task after the
other with nothing against forgetting; \`all tasks at once\` is the same network with as many steps on all rows shuffled, which no technique
here is allowed. Forgetting is the mean over all tasks but the last of the best accuracy while the task was known minus the last
(Chaudhry et al., 2018). Each strength is the best of a grid on validation rows, under two seeds that are not reported; replay
keeps ${BUFFER} rows a task.

${parts.join('\n')}`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
