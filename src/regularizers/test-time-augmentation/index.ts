import { z } from 'zod';
import { augmentsInputs } from '../augmentation-graph.js';
import type { Finding } from '../finding.js';
import { defineRegularizer, type FinishContext } from '../regularizer.js';
import { overViews } from './views.js';

/** Bins of the calibration error. */
const BINS = 15;

/** Accuracy, mean log loss and expected calibration error (15 even bins) of logits [rows, classes]. */
function quality(logits: Float32Array, labels: readonly number[]): { accuracy: number; logLoss: number; ece: number } {
  const classes = logits.length / labels.length;
  const [sure, right] = [new Float64Array(BINS), new Float64Array(BINS)];
  let hits = 0;
  let loss = 0;
  labels.forEach((label, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    const largest = Math.max(...scores);
    const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
    const confidence = 1 / sum;
    const hit = scores[label] === largest ? 1 : 0;
    hits += hit;
    loss += largest + Math.log(sum) - scores[label];
    const bin = Math.min(BINS - 1, Math.floor(confidence * BINS));
    sure[bin] += confidence;
    right[bin] += hit;
  });
  const apart = sure.reduce((total, value, bin) => total + Math.abs(value - right[bin]), 0);
  return { accuracy: hits / labels.length, logLoss: loss / labels.length, ece: apart / labels.length };
}

/** What the views did to the validation rows, and what they cost. */
async function compared(context: FinishContext, before: Timed, after: Timed): Promise<Finding> {
  const { task, validation, target } = context;
  const cost = `for ${(after.seconds / before.seconds).toFixed(1)} times the time of prediction`;
  const show = (value: number): string => value.toFixed(4);
  const finding = (message: string): Finding => ({
    code: 'TEST_TIME_AUGMENTATION',
    severity: 'info',
    message: `test-time-augmentation changes the ${validation.length} validation rows ${message}, ${cost}`,
    remedy: 'Leave it out where that is not worth it: strength 0',
  });
  if (task === 'regression') {
    const wanted = Array.from(validation, (row) => Number(target.data[row]));
    const rmse = ({ outputs }: Timed): string =>
      show(Math.sqrt(wanted.reduce((sum, value, i) => sum + (outputs[i] - value) ** 2, 0) / wanted.length));
    return finding(`from rmse ${rmse(before)} to ${rmse(after)} (standardised target)`);
  }
  const labels = Array.from(validation, (row) => Number(target.data[row]));
  const [without, with_] = [quality(before.outputs, labels), quality(after.outputs, labels)];
  const changes = (['accuracy', 'logLoss', 'ece'] as const).map(
    (name) => `${name} ${show(without[name])} to ${show(with_[name])}`,
  );
  return finding(`from ${changes.join(', ')}`);
}

interface Timed {
  readonly outputs: Float32Array;
  readonly seconds: number;
}

export const testTimeAugmentation = defineRegularizer({
  type: 'test-time-augmentation',
  title: 'Test-time augmentation',
  technique: 'T8',
  summary:
    'Predicts by the mean over each row itself and random changes of it, by the very augmentations that the run trains with.',
  strength: { unit: 'on or off', default: 1, range: [1, 1], scale: 'linear', limits: [0, 1], switch: true },
  options: z.strictObject({
    views: z.int().min(2).max(256).default(16).describe('Views of a row that are averaged, the row itself among them'),
  }),
  hooks: {
    finish: async (context, { views }, graph) => {
      const { inputs, task, outputs, active, seed, validation, run } = context;
      const typed = inputs.map((input) => ({
        ...input,
        type: graph.inputs.find(({ name }) => name === input.name)?.type ?? 'float32',
      }));
      const lasting = active.map((entry) => ({ ...entry, strength: entry.strength * (entry.schedule?.to ?? 1) }));
      const seen = overViews(graph, { inputs: typed, active: lasting, views, seed, task, outputs });
      if (validation.length === 0) return seen;
      const timed = async (which: typeof graph): Promise<Timed> => {
        const started = performance.now();
        return { outputs: await run(which, validation), seconds: (performance.now() - started) / 1000 };
      };
      context.tell(await compared(context, await timed(graph), await timed(seen)));
      return seen;
    },
  },
  conflicts: (_self, { active }) =>
    active.some((entry) => entry.strength > 0 && augmentsInputs(entry))
      ? []
      : [
          {
            code: 'TEST_TIME_AUGMENTATION_WITHOUT_AUGMENTATION',
            severity: 'error',
            message: 'test-time-augmentation predicts for views by the augmentations of the run, and it has none',
            remedy:
              'Add an augmentation (technique T8: image-, audio-, series-, text-augmentation ...) to regularizers',
          },
        ],
  cost: {
    training: 'none; the views are drawn once, after it',
    inference: 'the network runs on as many rows as views, and every row is augmented as often: views x and more',
  },
  fails: [
    'Augmentations stronger than the network was taught to see through: the untouched row is then the best view.',
    'What it gains beside a network that already saw the same changes in training is small; distil it where latency counts.',
    'Swap noise of tabular-augmentation takes values of other rows, and the views of one row have no other: its jitter alone acts.',
  ],
  dataSize: 'Gains most where single predictions are unsure: small networks, few rows.',
  references: [
    'Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012 (mean over crops and mirror images)',
    'Shanmugam et al., Better Aggregation in Test-Time Augmentation, ICCV 2021 (the mean may hurt)',
    'Ashukha et al., Pitfalls of In-Domain Uncertainty Estimation and Ensembling in Deep Learning, ICLR 2020 (it lowers log loss; mean of probabilities over the training augmentations)',
  ],
});
