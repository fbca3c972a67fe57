import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { derive } from '../../numeric/random.js';
import { domainConflicts, domainMasks, targetDomain } from '../domains.js';
import { defineRegularizer, type OwnTensor, type StepContext } from '../regularizer.js';

/** x itself, with -lambda times its gradient. */
export function reverseGradient(b: GraphBuilder, x: Value, lambda: Value): Value {
  const still = b.detached(() => b.op('Identity', [x]));
  return b.sub(still, b.mul(b.sub(x, still), lambda));
}

/** Ganin's ramp 2 / (1 + exp(-10 p)) - 1 over the share p of training that is done: 0 at first, 1 in the end. */
export function ganinRamp(p: number): number {
  return 2 / (1 + Math.exp(-10 * p)) - 1;
}

/** Normal weights of deviation sqrt(2 / inputs). */
function layer(name: string, inputs: number, outputs: number, seed: number): OwnTensor[] {
  const stream = derive(seed, 'domain-adversarial', name);
  const deviation = Math.sqrt(2 / inputs);
  const initial = Float32Array.from({ length: inputs * outputs }, () => stream.normal(0, deviation));
  return [
    { name: `${name}.weight`, shape: [inputs, outputs], initial },
    { name: `${name}.bias`, shape: [outputs], initial: new Float32Array(outputs) },
  ];
}

/** Cross-entropy of a classifier of domains; every domain of the batch weighs the same, whatever its rows. */
function discriminatorLoss({ b, own }: StepContext, x: Value, hidden: number, masks: readonly Value[]): Value {
  const dense = (value: Value, name: string): Value => b.gemm(value, own(`${name}.weight`), own(`${name}.bias`));
  const seen = hidden === 0 ? x : b.relu(dense(x, 'hidden'));
  const logProbabilities = b.split(b.logSoftmax(dense(seen, 'output')), Array(masks.length).fill(1), 1);
  const counts = masks.map((mask) => b.reduceSum(mask));
  const present = counts.map((count) => b.minimum(count, 1)).reduce(b.add);
  const means = masks.map((mask, i) =>
    b.div(b.reduceSum(b.mul(b.squeeze(logProbabilities[i], [1]), mask)), b.maximum(counts[i], 1)),
  );
  return b.div(b.neg(means.reduce(b.add)), b.maximum(present, 1));
}

export const domainAdversarial = defineRegularizer({
  type: 'domain-adversarial',
  title: 'Domain-adversarial training',
  technique: 'T23',
  summary: 'Trains a classifier of domains on the features and, by a reversed gradient, the network against it.',
  strength: {
    unit: 'factor lambda of the reversed gradient',
    default: 1,
    range: [0.01, 10],
    scale: 'log',
    limits: [0, 1000],
  },
  options: z.strictObject({
    target: targetDomain,
    hidden: z.int().min(0).max(8192).default(100).describe("Hidden units of the domains' classifier; 0: it is linear"),
    ramp: z
      .enum(['ganin', 'none'])
      .default('ganin')
      .describe(
        'ganin: lambda grows from 0 as 2 / (1 + exp(-10 p)) - 1 over the run; none: it is what it is from the start',
      ),
  }),
  hooks: {
    parameters: ({ featureCount, columns, seed }, { target, hidden }) => {
      const domains = target === undefined ? columns.find(({ role }) => role === 'domain')?.values.length : 2;
      if (featureCount === undefined || domains === undefined) return [];
      return [
        ...(hidden === 0 ? [] : layer('hidden', featureCount, hidden, seed)),
        ...layer('output', hidden === 0 ? featureCount : hidden, domains, seed),
      ];
    },
    state: (_context, { ramp }) =>
      ramp === 'none' ? [] : [{ name: 'ramp', shape: [1], initial: new Float32Array(1), writer: 'host' as const }],
    objective: (context, { target, hidden, ramp }, _weights, { features }) => {
      const { b, strength, own } = context;
      const masks = domainMasks(context, target);
      if (features === undefined || masks.length < 2) return undefined;
      const lambda = ramp === 'none' ? strength : b.mul(strength, own('ramp'));
      return discriminatorLoss(context, reverseGradient(b, features, lambda), hidden, masks);
    },
    afterStep: ({ own, step, stepsPerEpoch, totalEpochs }, { ramp }) => {
      if (ramp === 'ganin') own.get('ramp')![0] = ganinRamp(step / (stepsPerEpoch * totalEpochs));
    },
  },
  needs: { column: 'domain' },
  conflicts: ({ options: { target } }, setting) => domainConflicts('domain-adversarial', target, setting),
  cost: {
    training: 'the classifier of domains: two small layers over the features, forwards and backwards',
    inference: 'none',
  },
  fails: [
    'The domains differ in their classes: features that no longer tell domains apart no longer tell those classes apart.',
    'A game of two: it may swing. Lower the rate or the strength where the validation loss jumps.',
    'The classifier of domains wins from the start (accuracy 1): its gradient vanishes, and nothing is aligned.',
  ],
  dataSize:
    'Needs no labels of the target, but hundreds of rows of each domain: the classifier of domains must not learn them by heart.',
  references: [
    'Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016, sections 4.2 and 5.2.2 (reversal, the ramp with gamma = 10, 100 hidden units)',
    'thuml Transfer-Learning-Library, DANN (WarmStartGradientReverseLayer with alpha = 1)',
  ],
});
