import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import type { RandomSite } from '../../graph/random.js';
import { int64 } from '../../graph/tensor.js';
import type { Border } from '../image-augmentation/geometry.js';
import { evenSizes } from '../image-augmentation/parts.js';
import { boundsOf } from '../image-augmentation/range.js';
import { border } from '../rand-augment/index.js';
import { type Amounts, COLOURS, MOVES, type Placed, placed, randomOperation } from '../rand-augment/operations.js';
import { defineRegularizer, type InputDescription, type StepContext } from '../regularizer.js';

const OPERATIONS = [...MOVES, ...COLOURS] as const;

/** Those of the reference implementation: no operation that its test corruptions are made of. */
const DEFAULT = ['autocontrast', 'equalize', 'posterize', 'solarize', ...MOVES] as const;

const LARGEST = 10;

/** Amounts at severity 10, as in the reference implementation: a third of the side, 4 bits and fewer. */
const AMOUNTS: Amounts = { translate: 1 / 3, bits: (b, level) => b.sub(4, b.op('Floor', [b.mul(level, 4)])) };

const options = z.strictObject({
  width: z.int().min(1).max(8).default(3).describe('Chains of operations that are mixed'),
  depth: z.int().min(1).max(4).default(3).describe('Most operations of a chain; 1 to that many, with equal odds'),
  choose: z
    .array(z.enum(OPERATIONS))
    .min(1)
    .default([...DEFAULT])
    .describe('What operations are drawn from; leave out what labels do not survive or production never shows'),
  consistency: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe(
      'Coefficient of the Jensen-Shannon divergence between predictions for the clean image and two mixed ones (12 in the paper); the loss is then that of clean images. 0: trains on mixed images instead',
    ),
  border,
});

type Options = z.infer<typeof options>;

/** Chains of 1 to `depth` operations of each of the images: they are dealt out, an equal number to each length. */
function chains(
  b: GraphBuilder,
  { from, place }: Placed,
  site: RandomSite,
  { depth, change }: { depth: number; change: (images: Placed) => Placed },
): Value {
  const rows = place.shape[0];
  const all = b.indices([rows]);
  const deal = b.apply('TopK', [site.uniform([rows]), all], {}, { outputs: 2 })[1];
  const sizes = evenSizes(rows, depth);
  const done: Value[] = [];
  let left: Placed = { from, place: b.gather(place, deal) };
  for (let length = 0; length < sizes.length; length++) {
    left = change(left);
    const [finished, rest] = [sizes[length], sizes.slice(length + 1).reduce((sum, size) => sum + size, 0)];
    if (rest === 0) done.push(placed(b, left));
    else {
      const [ready, going] = b.split(left.place, [finished, rest], 0);
      done.push(placed(b, { from: left.from, place: ready }));
      left = { from: left.from, place: going };
    }
  }
  const back = b.apply('TopK', [b.cast(deal, 'float32'), all], { largest: int(0) }, { outputs: 2 })[1];
  return b.gather(b.concat(done, 0), back);
}

/**
 * (1 - m) x + m sum_i w_i chain_i(x), with w from Dirichlet(1, ..., 1) and m from Beta(1, 1), an image.
 *
 * @returns images [batch, channels, height, width] like x
 */
function mixed(context: StepContext, given: Options, input: InputDescription, images: Value): Value {
  const { b, strength, random } = context;
  const site = random(input.name);
  return b.detached(() => {
    const { width, depth, choose } = given;
    const [batch, ...extents] = images.shape;
    const { low, high } = boundsOf(b, input, images);
    const span = b.sub(high, low);
    const unit = b.clip(b.div(b.sub(images, low), span), 0, 1);
    const outside: Border =
      given.border === 'dark' ? b.scalar(0) : given.border === 'mean' ? b.neg(b.div(low, span)) : given.border;
    const copies = int64(
      [batch * width],
      Array.from({ length: batch * width }, (_, i) => Math.floor(i / width)),
    );
    const changed = chains(b, { from: unit, place: b.constant(copies) }, site, {
      depth,
      change: (some) =>
        randomOperation(b, some, site, {
          operations: choose,
          // From 0.1 to the severity, an operation.
          levels: (rows) =>
            b.mul(
              b.add(b.mul(site.uniform([rows, 1, 1, 1]), b.relu(b.sub(strength, 0.1))), b.minimum(strength, 0.1)),
              1 / LARGEST,
            ),
          amounts: AMOUNTS,
          border: outside,
        }),
    });
    const exponentials = b.neg(b.log(b.sub(1, site.uniform([batch, width]))));
    const weights = b.div(exponentials, b.add(b.reduceSum(exponentials, [1], true), 1e-30));
    const spread = b.reshape(weights, [batch, width, ...extents.map(() => 1)]);
    const chained = b.reshape(changed, [batch, width, ...extents]);
    const blend = b.reduceSum(b.mul(chained, spread), [1]);
    const share = b.mul(site.uniform([batch, 1, 1, 1]), b.cast(b.greater(strength, 0), 'float32'));
    return b.add(images, b.mul(b.mul(b.sub(blend, unit), share), span));
  });
}

function mixedInputs(context: StepContext, given: Options, inputs: Readonly<Record<string, Value>>) {
  const images = context.inputs.filter(({ content, shape }) => content === 'image' && shape.length === 3);
  return {
    ...inputs,
    ...Object.fromEntries(images.map((input) => [input.name, mixed(context, given, input, inputs[input.name])])),
  };
}

/** Jensen-Shannon divergence of distributions [batch, classes] given by their logits, mean over rows. */
export function jensenShannon(b: GraphBuilder, logits: readonly Value[]): Value {
  const all = logits.map((value) => ({ p: b.softmax(value), log: b.logSoftmax(value) }));
  const mean = b.mul(all.map(({ p }) => p).reduce(b.add), 1 / all.length);
  const logMean = b.log(b.clip(mean, 1e-7, 1));
  const sums = all.map(({ p, log }) => b.reduceSum(b.mul(p, b.sub(log, logMean)), [1]));
  return b.mul(b.reduceMean(sums.reduce(b.add)), 1 / all.length);
}

export const augmix = defineRegularizer<Options>({
  type: 'augmix',
  title: 'AugMix',
  technique: 'T8',
  summary:
    'Mixes each training image with several chains of random operations on it, and can ask for like predictions of all of them.',
  strength: { unit: 'severity of 10', default: 3, range: [1, 10], scale: 'linear', limits: [0, LARGEST] },
  options,
  augments: true,
  hooks: {
    batch: (context, given, batch) =>
      given.consistency > 0 ? batch : { inputs: mixedInputs(context, given, batch.inputs), target: batch.target },
    objective: (context, given, _weights, { batch, logits }) => {
      if (given.consistency === 0) return undefined;
      const { b, network } = context;
      const views = [1, 2].map(() => network(mixedInputs(context, given, batch.inputs), { disturbed: true }).logits);
      return b.mul(jensenShannon(b, [logits, ...views]), given.consistency);
    },
  },
  needs: { content: ['image'] },
  conflicts: ({ options: { consistency } }, { task }) =>
    consistency > 0 && task !== 'classification'
      ? [
          {
            code: 'AUGMIX_CONSISTENCY_NEEDS_CLASSES',
            severity: 'error',
            message: `augmix compares distributions over classes, and the task is ${task}`,
            remedy: 'Set consistency to 0: mixed images serve any task',
          },
        ]
      : [],
  cost: {
    training:
      'six operations an image (some 120 ns a pixel); with consistency twice that and two more passes of the network',
    inference: 'none',
  },
  fails: [
    'Operations that change the label: leave them out of choose (X8).',
    'Where test images are as clean as those of training it costs more than it gives: it is for shifted ones.',
  ],
  dataSize: 'Helps robustness at any size; accuracy on clean images mostly where they are few.',
  references: [
    'Hendrycks et al., AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty, ICLR 2020',
    'google-research/augmix (operations, amounts, severity 3, width 3, depth 1 to 3, coefficient 12)',
  ],
});
