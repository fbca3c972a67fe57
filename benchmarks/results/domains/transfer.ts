/** From MNIST to forty digits of another set: what keeps a fine-tuned network near what it knew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sampleValues } from '../../../src/evaluation/cheap.js';
import { writeModelFile } from '../../../src/graph/format/file.js';
import { derive } from '../../../src/numeric/random.js';
import type { TrainingProblem } from '../../../src/training/problem.js';
import { show, summary, trainArms, valuesOf } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { outside } from '../support/outside.js';
import { chosenArms, fixed, overStrengths, type Technique } from '../support/tuned.js';

const SIZES = [40, 200];

/** Of each digit 64 pixels from 0 to 1 and its label. */
type Rows = readonly { readonly pixels: readonly number[]; readonly label: number }[];

/** MNIST's middle 24 x 24 pixels by threes: 8 x 8, as the small set has them. */
function readLarge(datasets: string): Rows {
  const body = (name: string): Buffer => gunzipSync(readFileSync(join(datasets, 'mnist-t10k', name)));
  const images = body('t10k-images-idx3-ubyte.gz').subarray(16);
  const labels = body('t10k-labels-idx1-ubyte.gz').subarray(8);
  return Array.from(labels, (label, row) => {
    const pixels = Array.from({ length: 64 }, (_, i) => {
      const [top, left] = [2 + 3 * Math.floor(i / 8), 2 + 3 * (i % 8)];
      let sum = 0;
      for (let y = 0; y < 3; y++) for (let x = 0; x < 3; x++) sum += images[row * 784 + (top + y) * 28 + left + x];
      return sum / (9 * 255);
    });
    return { pixels, label };
  });
}

function readSmall(datasets: string): Rows {
  return gunzipSync(readFileSync(join(datasets, 'small-n-tabular/digits.csv.gz')))
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const cells = line.split(',').map(Number);
      return { pixels: cells.slice(0, 64).map((value) => value / 16), label: cells[64] };
    });
}

function write(file: string, rows: Rows, columns: readonly number[]): void {
  const lines = rows.map(({ pixels, label }) => [...columns.map((i) => pixels[i].toFixed(3)), label].join(','));
  writeFileSync(file, `${[...columns.map((i) => `p${i}`), 'label'].join(',')}\n${lines.join('\n')}\n`);
}

/** So many of the training rows, drawn by the seed. */
const drawn =
  (size: number) =>
  (problem: TrainingProblem, seed: number): TrainingProblem => {
    const { train } = problem.data;
    const rows = derive(seed, 'rows drawn').sample(train.length, size);
    return { ...problem, data: { ...problem.data, train: rows.map((place) => train[place]) } };
  };

export async function transferPart({ datasets, tell }: ResultsSetting, folder: string, seeds: number): Promise<string> {
  const large = join(folder, 'large.csv');
  const small = join(folder, 'small.csv');
  const path = join(folder, 'large.onnx');
  const rows = readSmall(datasets);
  // Border pixels that the small set never uses are no columns of it.
  const columns = Array.from({ length: 64 }, (_, i) => i).filter(
    (i) => rows.filter(({ pixels }) => pixels[i] > 0).length > 50,
  );
  write(small, rows, columns);
  write(large, readLarge(datasets), columns);
  const types = Object.fromEntries(columns.map((i) => [`p${i}`, 'number']));
  const common = { target: 'label', features: { scaling: 'none', types } };
  const model = { type: 'mlp', hidden: [128, 64, 64] };
  const [before] = await trainArms(
    {
      name: 'large-digits',
      task: 'classification',
      data: { ...common, source: large, split: { validation: 500, holdout: 500 } },
      model,
      training: {
        epochs: 15,
        batchSize: 128,
        optimizer: { type: 'adamw', learningRate: 0.002 },
        trainMetricsRows: 100,
      },
    },
    [{ name: 'large', regularizers: [] }],
    { seeds: 1, tell },
  );
  await writeModelFile(
    {
      irVersion: 10,
      opsets: new Map([['', 21]]),
      producer: { name: 'ballast', version: 'results' },
      graph: before.graph,
      metadata: new Map(),
    },
    path,
  );
  const unchanged = await outside(
    { name: 'small-digits', task: 'classification', data: { ...common, source: small }, model },
    small,
  );
  const shot = sampleValues(await unchanged.predict(before)).accuracy;
  const start = { model: { type: 'onnx', path, head: 'keep' } };
  const techniques: readonly Technique[] = [
    fixed({ name: 'fine-tuned, plain', regularizers: [], spec: start }),
    overStrengths('weight-decay', [0.01, 0.1, 1], (strength) => [{ type: 'weight-decay', strength }], start),
    overStrengths(
      'l2-sp',
      [0.0001, 0.001, 0.01, 0.1],
      (strength) => [{ type: 'l2-sp', strength, newHead: false }],
      start,
    ),
    overStrengths('freezing', [1, 2, 5, 1000], (strength) => [{ type: 'freezing', strength }], start),
    overStrengths('layer-wise-rates', [0.2, 0.4, 0.6], (strength) => [{ type: 'layer-wise-rates', strength }], start),
    fixed({ name: 'from drawn weights', regularizers: [] }),
  ];
  const lines: string[] = [];
  for (const size of SIZES) {
    const spec = {
      name: 'small-digits',
      task: 'classification',
      data: { ...common, source: small, split: { validation: 200, holdout: 1000 } },
      model,
      training: { epochs: 30, batchSize: 10, optimizer: { type: 'sgd', learningRate: 0.02 } },
    };
    const change = drawn(size);
    const arms = await chosenArms(spec, techniques, (trial) => trial.validation.accuracy, { tell, change });
    const trials = await trainArms(spec, arms, { seeds, tell, change });
    const accuracy = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => holdout.accuracy);
    arms.forEach(({ name }, place) => {
      const { mean, gain } = summary(accuracy(name), place === 0 ? undefined : accuracy(arms[0].name));
      lines.push(`| ${size} | ${name} | ${show(mean)} | ${gain === undefined ? '' : show(gain)} |`);
    });
  }
  return `## Transfer: from 9,000 digits to a few of another set

A perceptron trained on MNIST's test digits (reduced to 8 x 8, accuracy ${before.holdout.accuracy.toFixed(3)} on its own holdout) goes on with ${SIZES.join(' or ')} digits of
the UCI set, scanned and cut in another way (the network as it is has ${shot.toFixed(3)} there); SGD at 0.02, 30 epochs, weights of the last. Each seed draws other rows to train on. Accuracy on 1,000 UCI
digits; strengths are chosen on 200 others. A strength of 1000 of \`freezing\` never thaws: only the last layer is trained.

| rows | technique and strength | accuracy | gain over plain fine-tuning |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
}
