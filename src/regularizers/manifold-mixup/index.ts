import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { Value } from '../../graph/builder.js';
import { mixWithNeighbour } from '../neighbour.js';
import { placeNumber, placesBeyond, placesOf } from '../places.js';
import {
  type Conflict,
  defineRegularizer,
  type InputDescription,
  type SiteDescription,
  type StepContext,
} from '../regularizer.js';

const options = z.strictObject({
  layers: z
    .array(z.int().min(0))
    .min(1)
    .optional()
    .describe(
      'Where rows may be mixed, one of them a batch: 0 is the inputs, 1 the first hidden layer that nothing leads past; unless given 0, 1 and 2, as far as there are any',
    ),
});
type Options = z.infer<typeof options>;

/** Layers that the reference implementation draws from: the inputs and the first two. */
const FIRST_LAYERS = [0, 1, 2];

/** Hidden layers that a row goes through as a whole: what is mixed there is mixed for all that follows. */
function hiddenLayers(sites: readonly SiteDescription[]): string[] {
  return placesOf(sites, ({ whole }) => whole === true);
}

const areContinuous = (inputs: readonly Pick<InputDescription, 'content'>[]): boolean =>
  inputs.every(({ content }) => content !== 'tokens');

/** Numbers of the layers that one is drawn from, in order. */
function eligible({ layers }: Options, places: readonly string[], inputs: readonly InputDescription[]): number[] {
  if (layers !== undefined) return [...new Set(layers)].sort((a, b) => a - b);
  return FIRST_LAYERS.filter((layer) => (layer === 0 ? areContinuous(inputs) : layer <= places.length));
}

/** The share of its own that a row keeps where it is mixed; its target keeps as much. A scalar. */
function drawnShare({ drawn }: Pick<StepContext, 'drawn'>): Value {
  return drawn('share', (stream, alpha) => (alpha > 0 ? stream.beta(alpha, alpha) : 1));
}

/** That share at the layer drawn for the batch, 1 at the others. */
function shareAt(context: StepContext, layers: readonly number[], layer: number): Value {
  const share = drawnShare(context);
  if (layers.length === 1) return share;
  const chosen = context.drawn('layer', (stream) => layers[stream.integer(layers.length)]);
  return context.b.where(context.b.equal(chosen, layer), share, 1);
}

function unfit(
  { options: { layers } }: { options: Options },
  places: readonly string[],
  continuous: boolean,
): Conflict[] {
  const conflict = (code: string, message: string, remedy: string): Conflict => ({
    code: `MANIFOLD_MIXUP_${code}`,
    severity: 'error',
    message,
    remedy,
  });
  if (places.length === 0 || (layers?.every((layer) => layer === 0) ?? false)) {
    return [
      conflict('WITHOUT_HIDDEN', 'manifold-mixup has no hidden layer to mix at', 'Use mixup, which mixes inputs'),
    ];
  }
  if (layers?.includes(0) === true && !continuous) {
    return [
      conflict(
        'NEEDS_CONTINUOUS_INPUTS',
        'manifold-mixup is to mix at layer 0, the inputs, and token indices cannot be averaged',
        'Take 0 out of layers',
      ),
    ];
  }
  return placesBeyond('manifold-mixup', layers, places);
}

export const manifoldMixup = defineRegularizer({
  type: 'manifold-mixup',
  title: 'Manifold mixup',
  technique: 'T8',
  summary:
    'Mixes rows at a hidden layer drawn for each batch, and their targets by the same share from Beta(alpha, alpha).',
  strength: { unit: 'alpha of Beta(alpha, alpha)', default: 2, range: [0.1, 4], scale: 'log', limits: [0, 32] },
  options,
  hooks: {
    batch: (context, own, batch) => {
      const { b, batchSize, inputs, sites } = context;
      const layers = eligible(own, hiddenLayers(sites), inputs);
      // A row alone has no partner.
      if (batchSize < 2 || layers.length === 0) return batch;
      const mix = (value: Value): Value => mixWithNeighbour(b, value, shareAt(context, layers, 0));
      return {
        target: mixWithNeighbour(b, batch.target, drawnShare(context)),
        inputs: layers.includes(0)
          ? Object.fromEntries(Object.entries(batch.inputs).map(([name, value]) => [name, mix(value)]))
          : batch.inputs,
      };
    },
    forward: (context, own, { name, value }) => {
      const { b, batchSize, inputs, sites } = context;
      const places = hiddenLayers(sites);
      const layer = placeNumber(places, name);
      const layers = eligible(own, places, inputs);
      if (batchSize < 2 || layer === 0 || !layers.includes(layer)) return value;
      if (value.shape[0] !== batchSize) {
        throw new BallastError(
          `manifold-mixup cannot mix at layer ${layer}: no row of its values is one of the batch`,
          {
            code: 'MANIFOLD_MIXUP_LAYER_WITHOUT_ROWS',
            place: 'regularizers',
            value: value.shape,
            remedy: 'Leave this layer out of layers',
          },
        );
      }
      return mixWithNeighbour(b, value, shareAt(context, layers, layer));
    },
  },
  needs: { labels: true },
  conflicts: (self, { inputs, sites }) =>
    sites === undefined ? [] : unfit(self, hiddenLayers(sites), areContinuous(inputs)),
  cost: { training: 'three passes over each layer that may be drawn (about 2 ns an element)', inference: 'none' },
  fails: [
    'Labels that are not linear in between: detection, ordinal codes.',
    'Networks that underfit: targets between the classes ask more of them.',
    'Attacks of adversarial training see rows that are not mixed beside targets that are.',
  ],
  dataSize: 'Grows with model capacity and epochs; helps where rows are few for the capacity.',
  references: [
    'Verma et al., Manifold Mixup: Better Representations by Interpolating Hidden States, ICML 2019 (alpha 2)',
    'vikasverma1077/manifold_mixup (a layer of 0, 1, 2 a batch; one share a batch; partners by a permutation of the batch)',
    'Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018',
  ],
});
