/** What the training half of compression costs: pruning, rounding, students, ties, half precision. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModelFile } from '../../src/graph/format/file.js';
import { openRuntime } from '../../src/graph/index.js';
import type { Graph } from '../../src/graph/model.js';
import { float32, type NumericArray, type Tensor } from '../../src/graph/tensor.js';
import { type Arm, scoreRows, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import type { Results } from './page.js';
import { digitsData } from './support/digits-table.js';
import { weightsOf } from './support/matrices.js';

const SHARES = [0.5, 0.8, 0.9, 0.95];
const BITS = [8, 4, 3, 2];

/** The same network with other weights. */
function withWeights(graph: Graph, change: (values: Float32Array, shape: readonly number[]) => Float32Array): Graph {
  const initializers = new Map<string, Tensor<NumericArray>>(graph.initializers as Map<string, Tensor<NumericArray>>);
  for (const [name, { shape, data, type }] of initializers) {
    if (name.endsWith('.weight') && type === 'float32') {
      initializers.set(name, float32(shape, change(data as Float32Array, shape)));
    }
  }
  return { ...graph, initializers };
}

/** Without the smallest weights of all layers together. */
function cut(graph: Graph, share: number): Graph {
  const all = weightsOf(graph)
    .flatMap(({ data }) => Array.from(data, Math.abs))
    .sort((a, b) => a - b);
  const least = all[Math.floor(share * all.length)];
  return withWeights(graph, (values) => values.map((value) => (Math.abs(value) < least ? 0 : value)));
}

/** Weights rounded to so many bits, symmetric around 0, one scale a unit. */
function rounded(graph: Graph, bits: number): Graph {
  const most = 2 ** (bits - 1) - 1;
  return withWeights(graph, (values, [, units]) => {
    const scales = Array.from({ length: units }, (_, unit) => {
      let largest = 0;
      for (let i = unit; i < values.length; i += units) largest = Math.max(largest, Math.abs(values[i]));
      return largest / most || 1;
    });
    return values.map((value, i) => {
      const scale = scales[i % units];
      return Math.max(-most, Math.min(most, Math.round(value / scale))) * scale;
    });
  });
}

async function accuracyOf(trial: Trial, graph: Graph): Promise<number> {
  const { data } = trial;
  const held = data.preprocessor.transform(data.table, data.split.holdout);
  const rows = Int32Array.from(data.split.holdout, (_, i) => i);
  const outputs = await scoreRows(await openRuntime(), graph, data.preprocessor.outputs, held, rows);
  const width = outputs.length / rows.length;
  const right = trial.scored.target.filter((label, row) => {
    const scores = outputs.subarray(row * width, (row + 1) * width);
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return right.length / rows.length;
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : 5;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-results-'));
    try {
      const spec = {
        name: 'digits',
        task: 'classification',
        data: digitsData(datasets, { validation: 200, holdout: 1000 }),
        model: { type: 'mlp', hidden: [64, 64] },
        training: {
          epochs: 60,
          batchSize: 32,
          optimizer: { type: 'adamw', learningRate: 0.003, schedule: { type: 'cosine' } },
          trainMetricsRows: 100,
        },
      };
      const teacher = join(folder, 'teacher.onnx');
      const [large] = await trainArms(
        { ...spec, model: { type: 'mlp', hidden: [256, 256] } },
        [{ name: 'teacher', regularizers: [{ type: 'dropout', strength: 0.3 }] }],
        { seeds: [101], tell },
      );
      await writeModelFile(
        {
          irVersion: 10,
          opsets: new Map([['', 21]]),
          producer: { name: 'ballast', version: 'results' },
          graph: large.graph,
          metadata: new Map(),
        },
        teacher,
      );
      const student = { model: { type: 'mlp', hidden: [12] } };
      const three = { model: { type: 'mlp', hidden: [64, 64, 64] } };
      const arms: readonly Arm[] = [
        { name: 'plain', regularizers: [] },
        ...SHARES.map((strength) => ({ name: `pruning ${strength}`, regularizers: [{ type: 'pruning', strength }] })),
        ...BITS.map((bits) => ({
          name: `quantization-aware, ${bits} bits`,
          regularizers: [{ type: 'quantization-aware', bits, activations: false }],
        })),
        { name: 'mixed-precision, bf16', regularizers: [{ type: 'mixed-precision' }] },
        { name: 'mixed-precision, fp16', regularizers: [{ type: 'mixed-precision', format: 'fp16' }] },
        { name: 'student of 12 units', regularizers: [], spec: student },
        {
          name: 'student of 12 units, distillation 0.7',
          regularizers: [{ type: 'distillation', strength: 0.7, teacher, temperature: 4 }],
          spec: student,
        },
        { name: 'three layers', regularizers: [], spec: three },
        {
          name: 'three layers, two tied',
          regularizers: [{ type: 'weight-tying', ties: [['dense2.weight', 'dense3.weight']] }],
          spec: three,
        },
      ];
      const trials = await trainArms(spec, arms, { seeds, tell });
      const accuracy = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => holdout.accuracy);
      const afterwards = async (change: (graph: Graph) => Graph): Promise<number[]> => {
        const values: number[] = [];
        for (const trial of trials)
          if (trial.arm === 'plain') values.push(await accuracyOf(trial, change(trial.graph)));
        return values;
      };
      const cells = (values: readonly number[], against: readonly number[]): string[] => {
        const { mean, gain } = summary(values, against);
        return [show(mean), gain === undefined ? '' : show(gain)];
      };
      const line = (...of: readonly string[]): string => `| ${of.join(' | ')} |`;
      const pruned: string[] = [];
      for (const share of SHARES) {
        const after = await afterwards((graph) => cut(graph, share));
        const own = accuracy(`pruning ${share}`);
        const zeros = valuesOf(trials, `pruning ${share}`, ({ graph }) => {
          const all = weightsOf(graph).flatMap(({ data }) => Array.from(data));
          return all.filter((value) => value === 0).length / all.length;
        });
        pruned.push(
          line(`${share}`, summary(zeros).mean.value.toFixed(3), show(summary(after).mean), ...cells(own, after)),
        );
      }
      const quantized: string[] = [];
      for (const bits of BITS) {
        const after = await afterwards((graph) => rounded(graph, bits));
        quantized.push(
          line(`${bits}`, show(summary(after).mean), ...cells(accuracy(`quantization-aware, ${bits} bits`), after)),
        );
      }
      const pairs = [
        ['mixed-precision, bf16', 'plain'],
        ['mixed-precision, fp16', 'plain'],
        ['student of 12 units, distillation 0.7', 'student of 12 units'],
        ['three layers, two tied', 'three layers'],
      ];
      const others = pairs.map(([name, base]) =>
        line(name, base, show(summary(accuracy(base)).mean), ...cells(accuracy(name), accuracy(base))),
      );
      return `# Compression while training

Handwritten digits (597 rows to train on, 1,000 held out), a perceptron of twice 64 units unless another is named, 60 epochs. Means over ${seeds} seeds **on the holdout** with 95 %
intervals (Student's t); differences are paired by seed. Nothing is tuned: settings are the methods' defaults. Plain training: ${show(summary(accuracy('plain')).mean)}.

## Pruning

By magnitude, gradually while training, against cutting the smallest weights of the plainly trained network at its end.

| share to remove | weights that are 0 | cut afterwards | pruned while training | difference |
| --- | --- | --- | --- | --- |
${pruned.join('\n')}

## Rounded weights

Trained with fake quantization of weights (activations stay), against rounding the plainly trained network's, both symmetric with a scale a unit.

| bits | rounded afterwards | trained for it | difference |
| --- | --- | --- | --- |
${quantized.join('\n')}

## Others

The teacher, twice 256 units with dropout, has ${large.holdout.accuracy.toFixed(4)}.

| technique | against | that one | with it | difference |
| --- | --- | --- | --- | --- |
${others.join('\n')}
`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
