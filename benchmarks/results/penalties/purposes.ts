/** What each penalty of a network is for, and what it does to a small one on handwritten digits. */
import { openRuntime } from '../../../src/graph/index.js';
import { float32 } from '../../../src/graph/tensor.js';
import { derive } from '../../../src/numeric/random.js';
import { type Arm, scoreRows, show, summary, type Trial, trainArms, valuesOf } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { digitsData } from '../support/digits-table.js';
import { singularValues, type Weights, weightsOf } from '../support/matrices.js';
import { chosenArms, overStrengths, type Technique } from '../support/tuned.js';

/** What a penalty is for, as a number. */
interface Purpose {
  readonly text: string;
  readonly digits: number;
  of(trial: Trial): number | Promise<number>;
}

const hidden = ({ graph }: Trial): Weights[] => weightsOf(graph).slice(0, -1);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function unitNorms({ rows, columns, data }: Weights): number[] {
  return Array.from({ length: columns }, (_, unit) =>
    Math.sqrt(mean(Array.from({ length: rows }, (_row, i) => data[i * columns + unit] ** 2)) * rows),
  );
}

/** || W'W - I ||_F^2 over the number of its entries. */
function fromOrthogonal({ rows, columns, data }: Weights): number {
  let sum = 0;
  for (let a = 0; a < columns; a++) {
    for (let b = 0; b < columns; b++) {
      let dot = a === b ? -1 : 0;
      for (let i = 0; i < rows; i++) dot += data[i * columns + a] * data[i * columns + b];
      sum += dot ** 2;
    }
  }
  return sum / columns ** 2;
}

const SPARSE: Purpose = {
  text: 'share of weights that are 0',
  digits: 2,
  of: ({ graph }) => mean(weightsOf(graph).flatMap(({ data }) => Array.from(data, (value) => (value === 0 ? 1 : 0)))),
};
const UNITS: Purpose = {
  text: 'hidden units left of 128',
  digits: 0,
  of: (trial) =>
    hidden(trial)
      .flatMap(unitNorms)
      .filter((norm) => norm > 0).length,
};
const RANK: Purpose = {
  text: 'singular values above 1 % of the largest, mean of the hidden layers (64)',
  digits: 1,
  of: (trial) =>
    mean(
      hidden(trial).map((weights) => {
        const values = singularValues(weights);
        return values.filter((value) => value > 0.01 * values[0]).length;
      }),
    ),
};
const LARGEST_SINGULAR: Purpose = {
  text: 'largest singular value of a layer',
  digits: 3,
  of: ({ graph }) => Math.max(...weightsOf(graph).map((weights) => singularValues(weights)[0])),
};
const ORTHOGONAL: Purpose = {
  text: "mean square of W'W - I, hidden layers",
  digits: 4,
  of: (trial) => mean(hidden(trial).map(fromOrthogonal)),
};
const UNIT_NORM: Purpose = {
  text: 'largest norm of a unit',
  digits: 3,
  of: ({ graph }) => Math.max(...weightsOf(graph).flatMap(unitNorms)),
};
const NORM: Purpose = {
  text: 'norm of all weights',
  digits: 1,
  of: ({ graph }) =>
    Math.sqrt(weightsOf(graph).reduce((sum, { data }) => sum + data.reduce((own, value) => own + value ** 2, 0), 0)),
};
const UNDER_NOISE: Purpose = {
  text: 'accuracy with noise of 1.5 sd on every input',
  digits: 3,
  of: accuracyUnderNoise,
};
const SILENT: Purpose = { text: 'share of hidden activations that are 0', digits: 2, of: silentShare };
const OVERCONFIDENCE: Purpose = {
  text: 'mean confidence minus accuracy',
  digits: 3,
  of: ({ scored, holdout }) => {
    const width = scored.outputs.length / scored.target.length;
    const confidences = scored.target.map((_, row) => {
      const scores = scored.outputs.subarray(row * width, (row + 1) * width);
      const top = Math.max(...scores);
      return 1 / scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
    });
    return mean(confidences) - holdout.accuracy;
  },
};

const over = (
  type: string,
  strengths: readonly number[],
  purpose: Purpose,
): { technique: Technique; purpose: Purpose } => ({
  technique: overStrengths(type, strengths, (strength) => [{ type, strength }]),
  purpose,
});

/** One whose strength runs the other way, from weak to strong. */
const bounded = (type: string, option: string, values: readonly number[], purpose: Purpose) => ({
  technique: {
    name: type,
    tried: values.map(
      (value): Arm => ({ name: `${type}, ${option} ${value}`, regularizers: [{ type, [option]: value }] }),
    ),
  },
  purpose,
});

const MEASURED = [
  over('l2', [0.0001, 0.001, 0.01], NORM),
  over('weight-decay', [0.01, 0.1, 1], NORM),
  over('l1', [0.0001, 0.0003, 0.001, 0.003], SPARSE),
  over('elastic-net', [0.0001, 0.0003, 0.001, 0.003], SPARSE),
  over('group-lasso', [0.0001, 0.0003, 0.001, 0.003], UNITS),
  over('nuclear-norm', [0.001, 0.003, 0.01, 0.03], RANK),
  bounded('max-norm', 'radius', [3, 2, 1], UNIT_NORM),
  bounded('spectral-norm', 'bound', [4, 2, 1], LARGEST_SINGULAR),
  over('orthogonality', [0.001, 0.01, 0.1], ORTHOGONAL),
  over('gradient-penalty', [0.01, 0.1, 1], UNDER_NOISE),
  over('activation-penalty', [0.01, 0.1, 1], SILENT),
  over('confidence-penalty', [0.03, 0.1, 0.3], OVERCONFIDENCE),
  over('label-smoothing', [0.02, 0.05, 0.1], OVERCONFIDENCE),
];

export async function purposesPart(
  { datasets, tell }: ResultsSetting,
  _folder: string,
  seeds: number,
): Promise<string> {
  const spec = {
    name: 'digits',
    task: 'classification',
    data: digitsData(datasets, { validation: 400, holdout: 1000 }),
    model: { type: 'mlp', hidden: [64, 64] },
    training: { epochs: 60, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.003 }, trainMetricsRows: 100 },
  };
  const plain: Arm = { name: 'plain', regularizers: [] };
  const [forConfidence, forWeights] = [true, false].map((wanted) =>
    MEASURED.filter(({ purpose }) => (purpose === OVERCONFIDENCE) === wanted).map(({ technique }) => technique),
  );
  const arms = [
    plain,
    ...(await chosenArms(spec, forWeights, ({ validation }) => validation.accuracy, { tell, slack: 0.01 })),
    ...(await chosenArms(spec, forConfidence, ({ validation }) => -validation.logLoss, { tell })),
  ];
  const trials = await trainArms(spec, arms, { seeds, tell });
  const accuracy = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => holdout.accuracy);
  const loss = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => holdout.logLoss);
  const measured = async (arm: string, purpose: Purpose): Promise<number[]> => {
    const values: number[] = [];
    for (const trial of trials) if (trial.arm === arm) values.push(await purpose.of(trial));
    return values;
  };
  const lines: string[] = [];
  for (const [place, { name }] of arms.entries()) {
    const { mean: value, gain } = summary(accuracy(name), place === 0 ? undefined : accuracy('plain'));
    const cells = [name, show(value), gain === undefined ? '' : show(gain), show(summary(loss(name)).mean, 3)];
    if (place > 0) {
      const { purpose } = MEASURED[place - 1];
      const before = summary(await measured('plain', purpose)).mean.value.toFixed(purpose.digits);
      cells.push(purpose.text, before, show(summary(await measured(name, purpose)).mean, purpose.digits));
    } else cells.push('', '', '');
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return `## What each is for, and what it did

Handwritten digits (397 rows to train on, 400 to choose by, 1,000 held out), a perceptron of twice 64 units, 60 epochs. The strength is the strongest of its
grid whose validation accuracy is within 0.01 of the best: a penalty is there for the thing in the fifth column, not for accuracy
alone. The last two, which change what the network says of its certainty, are at the strength of the best validation log loss.

| technique and strength | accuracy | gain over plain | log loss | what it is for | plain | with it |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}

/** Encoded rows of the holdout. */
function heldOut({ data }: Trial) {
  return data.preprocessor.transform(data.table, data.split.holdout);
}

async function accuracyUnderNoise(trial: Trial): Promise<number> {
  const held = heldOut(trial);
  const stream = derive(1, 'noise on the holdout');
  const [[name, { shape, data }]] = Object.entries(held.inputs);
  const moved = float32(
    shape,
    Float32Array.from(data as Float32Array, (value) => value + 1.5 * stream.normal()),
  );
  const rows = Int32Array.from({ length: shape[0] }, (_, row) => row);
  const examples = { ...held, inputs: { [name]: moved } };
  const outputs = await scoreRows(await openRuntime(), trial.graph, trial.data.preprocessor.outputs, examples, rows);
  const width = outputs.length / rows.length;
  const right = trial.scored.target.filter((label, row) => {
    const scores = outputs.subarray(row * width, (row + 1) * width);
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return right.length / rows.length;
}

/** Over the rows of the holdout, by the layers written out: ReLU of weights and biases. */
function silentShare(trial: Trial): number {
  const [{ data, shape }] = Object.values(heldOut(trial).inputs);
  const biases = [...trial.graph.initializers]
    .filter(([name]) => name.endsWith('.bias'))
    .map(([, tensor]) => tensor.data);
  let [zeros, all] = [0, 0];
  for (let row = 0; row < shape[0]; row++) {
    let x = Array.from((data as Float32Array).subarray(row * shape[1], (row + 1) * shape[1]));
    hidden(trial).forEach((weights, layer) => {
      x = Array.from({ length: weights.columns }, (_, unit) => {
        const sum = x.reduce((total, value, i) => total + value * weights.data[i * weights.columns + unit], 0);
        return Math.max(0, sum + Number(biases[layer][unit]));
      });
      zeros += x.filter((value) => value === 0).length;
      all += x.length;
    });
  }
  return zeros / all;
}
