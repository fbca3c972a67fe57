import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import { mixWithNeighbour, neighbourOf } from '../neighbour.js';
import { type Conflict, defineRegularizer, type InputDescription } from '../regularizer.js';

/** Draws of a box, scalars of the graph: the share of the image that should stay, and where its middle lies, in [0, 1). */
export interface BoxDraw {
  readonly share: Value;
  readonly row: Value;
  readonly column: Value;
}

/** A box over images of one size. */
export interface CutBox {
  /** bool [1, 1, height, width]: inside. */
  readonly inside: Value;
  /** The share of the image that lies outside of it: a scalar. */
  readonly kept: Value;
}

/**
 * A box of height H sqrt(1 - share) and width W sqrt(1 - share), in whole pixels, about a pixel drawn from all alike. What
 * sticks out of the image is cut off, so that what is kept is counted afterwards: it is `share` or more.
 */
export function cutBox(b: GraphBuilder, { share, row, column }: BoxDraw, height: number, width: number): CutBox {
  const ratio = b.sqrt(b.sub(1, share));
  const along = (extent: number, at: Value): { inside: Value; length: Value } => {
    const floor = (value: Value): Value => b.op('Floor', [value]);
    const half = floor(b.mul(b.mul(ratio, extent), 0.5));
    const middle = b.minimum(floor(b.mul(at, extent)), extent - 1);
    const from = b.maximum(b.sub(middle, half), 0);
    const to = b.minimum(b.add(middle, half), extent);
    const positions = b.constant(
      float32(
        [extent],
        Float32Array.from({ length: extent }, (_, i) => i),
      ),
    );
    return {
      inside: b.and(b.greaterOrEqual(positions, from), b.less(positions, to)),
      length: b.sub(to, from),
    };
  };
  const rows = along(height, row);
  const columns = along(width, column);
  return {
    inside: b.and(b.reshape(rows.inside, [1, 1, height, 1]), b.reshape(columns.inside, [1, 1, 1, width])),
    kept: b.sub(1, b.div(b.mul(rows.length, columns.length), height * width)),
  };
}

/** Images [batch, channels, height, width] with the box taken from the next row's image, the last one's from the first. */
export function pasteBox(b: GraphBuilder, images: Value, { inside }: CutBox): Value {
  return b.where(inside, neighbourOf(b, images), images);
}

/** Boxes are of pixels, and the label follows from one share: every input must be an image, all of one size. */
function unfit(inputs: readonly InputDescription[]): Conflict[] {
  const other = inputs.find(({ content }) => content !== 'image');
  const sizes = new Set(inputs.map(({ shape }) => shape.slice(1).join('x')));
  if (other === undefined && sizes.size <= 1) return [];
  const what =
    other === undefined ? `images of ${[...sizes].join(' and ')}` : `"${other.name}", which is ${other.content}`;
  return [
    {
      code: 'CUTMIX_NEEDS_IMAGES_ALONE',
      severity: 'error',
      message: `cutmix pastes one box of pixels, and the network also takes ${what}`,
      remedy: 'Use mixup, which blends whatever the inputs are',
    },
  ];
}

export const cutmix = defineRegularizer({
  type: 'cutmix',
  title: 'CutMix',
  technique: 'T8',
  summary: 'Pastes a box of another image into each one, and mixes their targets by the area that it covers.',
  strength: { unit: 'alpha of Beta(alpha, alpha)', default: 1, range: [0.1, 4], scale: 'log', limits: [0, 32] },
  options: z.strictObject({
    probability: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe('Share of the batches that are mixed; the others stay as they are'),
  }),
  hooks: {
    batch: ({ b, drawn, batchSize, inputs }, { probability }, batch) => {
      const images = inputs.filter(({ content }) => content === 'image');
      // A row alone has no partner.
      if (images.length === 0 || batchSize < 2) return batch;
      const share = drawn('share', (stream, alpha) =>
        alpha > 0 && stream.uniform() < probability ? stream.beta(alpha, alpha) : 1,
      );
      const row = drawn('row', (stream) => stream.uniform());
      const column = drawn('column', (stream) => stream.uniform());
      const [height, width] = images[0].shape.slice(-2);
      const box = cutBox(b, { share, row, column }, height, width);
      return {
        target: mixWithNeighbour(b, batch.target, box.kept),
        inputs: {
          ...batch.inputs,
          ...Object.fromEntries(images.map(({ name }) => [name, pasteBox(b, batch.inputs[name], box)])),
        },
      };
    },
  },
  needs: { labels: true, content: ['image'] },
  conflicts: (_self, { inputs }) => (inputs.some(({ content }) => content === 'image') ? unfit(inputs) : []),
  cost: { training: 'two passes over the images a step (about 2 ns a pixel)', inference: 'none' },
  fails: [
    'Small or off-centre objects: the box may hold none of what the label names, and the target says otherwise.',
    'Textures and images whose parts mean nothing by themselves: a digit with a corner of another is no digit.',
    'Together with label smoothing or another mixing of rows it underfits.',
  ],
  dataSize: 'Grows with model capacity and epochs; few epochs of a small network are too few to fit what it makes.',
  references: [
    'Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features, ICCV 2019 (alpha 1)',
    'clovaai/CutMix-PyTorch (probability 0.5 on CIFAR, one box a batch, the share counted after clipping)',
    'torchvision.transforms.v2.CutMix(alpha=1.0)',
  ],
});
