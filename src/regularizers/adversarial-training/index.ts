import { z } from 'zod';
import { type Ball, climb, drawInBall, type Perturbed } from '../../evaluation/attacks/perturb.js';
import { CONTINUOUS } from '../needs.js';
import type { StepContext } from '../regularizer.js';
import { defineRegularizer } from '../regularizer.js';
import { floatInputs, threatOptions } from '../threat.js';

const options = z.strictObject({
  method: z
    .enum(['fgsm', 'pgd'])
    .default('pgd')
    .describe('fgsm: one step; pgd: several, each projected back into the ball'),
  norm: threatOptions.norm,
  steps: z.int().min(1).max(50).default(7).describe('Steps of pgd'),
  stepSize: z
    .number()
    .positive()
    .max(10)
    .optional()
    .describe('Length of a step as a share of epsilon; 2.5 / steps for pgd, 1.25 for fgsm (1 without a random start)'),
  randomStart: z.boolean().default(true).describe('Start from a point drawn from the ball, not from the row itself'),
  range: threatOptions.range,
  share: z.number().positive().max(1).default(1).describe('Share of the rows of a batch that are attacked'),
});

type Options = z.infer<typeof options>;

/** Steps of an attack and their length as a share of epsilon. */
export function stepsOf({ method, steps, stepSize, randomStart }: Options): { steps: number; ratio: number } {
  if (method === 'pgd') return { steps, ratio: stepSize ?? 2.5 / steps };
  return { steps: 1, ratio: stepSize ?? (randomStart ? 1.25 : 1) };
}

/** The worst points found around the inputs of a batch, [batch, ...] by name: those that maximise the loss. */
function worstPoints(
  { b, strength, random, network, lossesOf }: StepContext,
  given: Options,
  { inputs, target }: { inputs: Perturbed; target: Parameters<StepContext['lossesOf']>[1] },
): Perturbed {
  const ball: Ball = { center: floatInputs(inputs), epsilon: strength, norm: given.norm, range: given.range };
  const { steps, ratio } = stepsOf(given);
  return climb(b, ball, {
    steps,
    stepSize: b.mul(strength, ratio),
    ...(given.randomStart ? { start: b.detached(() => drawInBall(b, ball, random)) } : {}),
    lossOf: (points) => lossesOf(network({ ...inputs, ...points }).logits, target),
  });
}

export const adversarialTraining = defineRegularizer({
  type: 'adversarial-training',
  title: 'Adversarial training',
  technique: 'T17',
  summary: 'Trains on the worst inputs within epsilon of each row, found by gradient ascent on the loss at every step.',
  strength: {
    unit: 'radius epsilon, in the unit of the encoded inputs',
    default: 0.1,
    range: [0.01, 1],
    scale: 'log',
    limits: [0, 10_000],
  },
  options,
  hooks: {
    batch: (context, given, batch) => {
      const { b, batchSize } = context;
      const worst = worstPoints(context, given, batch);
      const attacked = Math.ceil(given.share * batchSize);
      const chosen = (name: string): Perturbed[string] => {
        if (attacked >= batchSize) return worst[name];
        // Batches are shuffled: their first rows are as good as any.
        const [first] = b.split(worst[name], [attacked, batchSize - attacked], 0);
        const [, rest] = b.split(batch.inputs[name], [attacked, batchSize - attacked], 0);
        return b.concat([first, rest], 0);
      };
      return {
        target: batch.target,
        inputs: { ...batch.inputs, ...Object.fromEntries(Object.keys(worst).map((name) => [name, chosen(name)])) },
      };
    },
  },
  needs: { content: CONTINUOUS },
  cost: { training: 'steps + 1 times a plain step: 8 times with the defaults, 2 times with fgsm', inference: 'none' },
  fails: [
    'Accuracy on unchanged rows falls: robustness is paid for, and only worth it where someone attacks.',
    'Small networks and few rows: it underfits, and the robust gap between train and validation is wide.',
    'fgsm without a random start: training collapses to a model that only resists one step (catastrophic overfitting).',
    'It defends against the norm and radius it was trained on, and little else.',
  ],
  dataSize: 'Needs several times the rows that plain training needs (Schmidt et al., 2018).',
  references: [
    'Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018 (and MadryLab/robustness, whose step of 2.5 epsilon / steps is the default)',
    'Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, ICLR 2015 (fgsm)',
    'Wong, Rice and Kolter, Fast is Better than Free, ICLR 2020 (fgsm from a random start, step 1.25 epsilon)',
    'Schmidt et al., Adversarially Robust Generalization Requires More Data, NeurIPS 2018',
  ],
});
