import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import type { RandomSite } from '../../graph/random.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer, type InputDescription } from '../regularizer.js';

/** SpanBERT: lengths are geometric with this probability of ending, and at most so long. */
const [ENDS, LONGEST] = [0.2, 10];

/** Reserved ids of fitted vocabularies, for inputs that do not say theirs. */
const FITTED = { padding: 0, mask: 1 };

const share = (most: number) => z.number().min(0).max(most);

const options = z.strictObject({
  dropout: share(0.9).default(0.3).describe('Probability that a token is hidden (word dropout)'),
  swap: share(1).default(0.2).describe('Probability that a token changes places with another such token of its text'),
  span: share(0.9).default(0).describe('Share of tokens that are hidden in spans of 1 to 10 (0.15 in SpanBERT)'),
});

type Options = z.infer<typeof options>;

/** How many of a row are true: [rows, 1]. */
const count = (b: GraphBuilder, where: Value): Value => b.reduceSum(b.cast(where, 'float32'), [1], true);

/**
 * Spans that begin anywhere, with lengths geometric (0.2), cut at 10: [rows, length], true inside. Beginnings are as frequent as
 * makes the share of covered places `covered`, away from the start.
 */
function spans(b: GraphBuilder, site: RandomSite, [rows, length]: readonly number[], covered: Value): Value {
  const left = 1 - ENDS;
  const odds = Array.from({ length: LONGEST }, (_, k) => left ** k);
  const total = odds.reduce((sum, p) => sum + p, 0);
  const mean = odds.reduce((sum, p, k) => sum + (k + 1) * p, 0) / total;
  const begins = site.bernoulli([rows, length], b.mul(b.log(b.sub(1, covered)), -1 / mean));
  // The inverse of the distribution function of lengths that end by the longest.
  const tail = b.sub(1, b.mul(site.uniform([rows, length]), 1 - left ** LONGEST));
  const lengths = b.minimum(b.add(b.op('Floor', [b.mul(b.log(tail), 1 / Math.log(left))]), 1), LONGEST);
  let ahead = b.mul(begins, lengths);
  let inside = b.greater(ahead, 0);
  for (let k = 1; k < Math.min(LONGEST, length); k++) {
    ahead = b.pad(b.slice(ahead, [0], [length - 1], [1]), [0, 1, 0, 0]);
    inside = b.or(inside, b.greater(ahead, k));
  }
  return inside;
}

/** Tokens [rows, length] of which those that are chosen are dealt out anew among their places. */
function shuffled(b: GraphBuilder, site: RandomSite, tokens: Value, chosen: Value): Value {
  const { shape } = tokens;
  const [, length] = shape;
  const places = b.constant(
    float32(
      [1, length],
      Array.from({ length }, (_, i) => i),
    ),
  );
  const order = (keys: Value): Value =>
    b.apply('TopK', [keys, b.indices([length])], { axis: int(1), largest: int(0) }, { outputs: 2 })[1];
  // The others come after, each in its place.
  const others = b.add(places, length);
  const taken = order(b.where(chosen, site.uniform(shape), others));
  const put = order(b.where(chosen, places, others));
  const dealt = b.op('GatherElements', [tokens, taken], { axis: int(1) });
  return b.op('GatherElements', [dealt, order(b.cast(put, 'float32'))], { axis: int(1) });
}

/**
 * Tokens int64 [rows, length] with some places exchanged, then some tokens hidden behind the mask: never padding, and never
 * all of a text.
 */
function augmentText(
  b: GraphBuilder,
  tokens: Value,
  { site, strength, input, given }: { site: RandomSite; strength: Value; input: InputDescription; given: Options },
): Value {
  const { padding, mask } = input.special ?? FITTED;
  const text = b.not(b.equal(tokens, b.scalar(padding, 'int64')));
  const at = (probability: number): Value => b.mul(strength, probability);
  let changed = tokens;
  if (given.swap > 0) changed = shuffled(b, site, changed, b.and(text, site.occurs(tokens.shape, at(given.swap))));
  const hidden = [
    ...(given.dropout > 0 ? [site.occurs(tokens.shape, at(given.dropout))] : []),
    ...(given.span > 0 ? [spans(b, site, tokens.shape, at(given.span))] : []),
  ];
  if (hidden.length === 0) return changed;
  const wanted = b.and(text, hidden.reduce(b.or));
  const some = b.less(count(b, wanted), count(b, text));
  return b.where(b.and(wanted, some), b.scalar(mask, 'int64'), changed);
}

export const textAugmentation = defineRegularizer<Options>({
  type: 'text-augmentation',
  title: 'Text augmentation (token dropout, swap, span masking)',
  technique: 'T8',
  summary:
    'Hides random tokens or spans of tokens of each training text behind the mask or unknown token, and lets some change places.',
  strength: {
    unit: 'share of the declared probabilities',
    default: 1,
    range: [0.1, 1],
    scale: 'linear',
    limits: [0, 1],
  },
  options,
  augments: true,
  hooks: {
    batch: ({ b, inputs, strength, random }, given, batch) => {
      const augmented: Record<string, Value> = { ...batch.inputs };
      for (const input of inputs.filter(({ content, shape }) => content === 'tokens' && shape.length === 1)) {
        const site = random(input.name);
        augmented[input.name] = b.detached(() =>
          augmentText(b, batch.inputs[input.name], { site, strength, input, given }),
        );
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['tokens'] },
  cost: {
    training: 'one 32-bit hash a token for dropout; three sorts a text for swaps; twelve passes for spans',
    inference: 'none',
  },
  fails: [
    'One word decides the label (not, free): hidden, the label is wrong (X8).',
    'Order decides it (who did what to whom): set swap to 0.',
    'Characters as tokens: single ones carry little, use spans.',
    'A text that is a bag of words to the model (features.text) has no tokens: use dropout on its inputs.',
  ],
  dataSize: 'Largest gain with few texts; small beyond some thousands.',
  references: [
    'Iyyer et al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification, ACL 2015 (word dropout, 0.3)',
    'Wei and Zou, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks, EMNLP 2019 (random swap, a tenth of the words: a fifth of the places)',
    'Joshi et al., SpanBERT, TACL 2020 (span lengths geometric 0.2, at most 10; 15 % of tokens)',
  ],
});
