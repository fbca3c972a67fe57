import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { defineRegularizer, type InputDescription } from '../regularizer.js';
import { brightness, contrast, saturation } from './colour.js';
import { type Box, boxSides, inBox } from './erase.js';
import { type Border, resample, sampleAffine } from './geometry.js';
import { labelConflicts } from './label-validity.js';
import { inParts } from './parts.js';
import { boundsOf, onUnit } from './range.js';

const options = z.strictObject({
  crop: z.number().min(0).max(0.5).default(0.1).describe('Largest shift in either direction, as a share of the side'),
  zoom: z.number().min(0).max(0.5).default(0.1).describe('Largest change of scale: 0.1 is 0.9 to 1.1'),
  flip: z
    .enum(['none', 'horizontal', 'vertical', 'both'])
    .default('none')
    .describe('Mirroring at even odds; off by default, since a mirrored digit or letter is another one'),
  rotate: z.number().min(0).max(180).default(0).describe('Largest turn in either direction, in degrees'),
  shear: z.number().min(0).max(45).default(0).describe('Largest slant in either direction, in degrees'),
  brightness: z.number().min(0).max(1).default(0).describe('Largest change of brightness: 0.2 is 0.8 to 1.2 times'),
  contrast: z.number().min(0).max(1).default(0).describe('Largest change of contrast about the mean tone'),
  saturation: z.number().min(0).max(1).default(0).describe('Largest change of saturation; colour images only'),
  noise: z.number().min(0).max(2).default(0).describe('Standard deviation of pixel noise, in those of the channel'),
  erase: z.number().min(0).max(0.6).default(0).describe('Largest share of the area that is erased'),
  eraseShape: z
    .enum(['rectangle', 'square'])
    .default('rectangle')
    .describe(
      'rectangle: any area up to `erase`, inside, at even odds (random erasing); square: that area, anywhere, always (cutout)',
    ),
  border: z
    .enum(['edge', 'mirror', 'dark', 'mean'])
    .default('edge')
    .describe('What comes in from outside: the nearest pixel, the mirror image, black, or the mean tone'),
  keep: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'Share of the content (what differs from the tone of the border) that must stay in view; an image that would lose more stays as it is',
    ),
  labelsSurvive: z
    .array(z.enum(['mirror', 'turn']))
    .default([])
    .describe('States that labels stay right under these, where the names of the classes make it doubtful'),
});

type Options = z.infer<typeof options>;

/** Numbers of one image's own, [batch, ...]: symmetric about 0, and events. */
interface Dice {
  symmetric(limit: number, rank?: 3 | 4): Value;
  occurs(odds: number, rank?: 3 | 4): Value;
  readonly site: RandomSite;
}

function diceOf(b: GraphBuilder, site: RandomSite, batch: number, strength: Value): Dice {
  const shape = (rank: 3 | 4): number[] => [batch, ...Array.from({ length: rank - 1 }, () => 1)];
  return {
    symmetric: (limit, rank = 3) => b.mul(b.mul(b.sub(b.mul(site.uniform(shape(rank)), 2), 1), limit), strength),
    occurs: (odds, rank = 3) => site.occurs(shape(rank), b.mul(strength, odds)),
    site,
  };
}

/** What each image of a batch goes through, drawn before any is touched; only what the options ask for. */
function draw(b: GraphBuilder, dice: Dice, given: Options, image: Value): Readonly<Record<string, Value>> {
  const { crop, zoom, flip, rotate, shear, erase } = given;
  const [batch, , height, width] = image.shape;
  const drawn: Record<string, Value> = {};
  if (moves(given)) {
    const one = b.scalar(1, 'float32', [batch, 1, 1]);
    const scale = zoom > 0 ? b.add(dice.symmetric(zoom), 1) : undefined;
    const along = (axis: 'horizontal' | 'vertical'): Value => {
      const mirrored = flip === axis || flip === 'both' ? b.where(dice.occurs(0.5), -1, b.scalar(1)) : one;
      return scale === undefined ? mirrored : b.mul(mirrored, scale);
    };
    drawn.y = dice.symmetric(crop * height);
    const tall = along('vertical');
    drawn.x = dice.symmetric(crop * width);
    const wide = along('horizontal');
    if (rotate === 0 && shear === 0) Object.assign(drawn, { tall, wide });
    else {
      const angle = dice.symmetric((rotate * Math.PI) / 180);
      const [cos, sin] = [b.op('Cos', [angle]), b.op('Sin', [angle])];
      const slant = dice.symmetric(Math.tan((shear * Math.PI) / 180));
      // Turn after slant after scale: [cos -sin; sin cos] [1 slant; 0 1] diag(wide, tall).
      drawn.xx = b.mul(cos, wide);
      drawn.xy = b.mul(b.sub(b.mul(cos, slant), sin), tall);
      drawn.yx = b.mul(sin, wide);
      drawn.yy = b.mul(b.add(b.mul(sin, slant), cos), tall);
    }
  }
  if (erase > 0) Object.assign(drawn, drawBox(b, dice, given, image));
  for (const kind of COLOURS) if (given[kind] > 0) drawn[kind] = b.add(dice.symmetric(given[kind], 4), 1);
  return drawn;
}

const COLOURS = ['brightness', 'contrast', 'saturation'] as const;

const moves = ({ crop, zoom, flip, rotate, shear }: Options): boolean =>
  crop > 0 || zoom > 0 || flip !== 'none' || rotate > 0 || shear > 0;

/** Shift, zoom, mirroring, turn and slant. */
function moved(b: GraphBuilder, image: Value, drawn: Readonly<Record<string, Value>>, border: Border): Value {
  const { x, y, tall, wide, xx, xy, yx, yy } = drawn;
  if (x === undefined) return image;
  if (xx !== undefined) return sampleAffine(b, image, { xx, xy, yx, yy, x, y }, border);
  return resample(b, image, { shift: y, zoom: tall }, { shift: x, zoom: wide }, border);
}

/** The box to erase; outside of the image altogether where nothing is to be erased. */
function drawBox(b: GraphBuilder, dice: Dice, given: Options, image: Value): Box {
  const [batch, , rows, columns] = image.shape;
  const shape = [batch, 1, 1, 1];
  const square = given.eraseShape === 'square';
  const uniform = (low: number, high: number): Value => b.add(b.mul(dice.site.uniform(shape), high - low), low);
  const share = square ? b.scalar(given.erase, 'float32', shape) : uniform(Math.min(0.02, given.erase), given.erase);
  const ratio = square ? b.scalar(1, 'float32', shape) : b.exp(uniform(Math.log(0.3), Math.log(1 / 0.3)));
  const { height, width } = boxSides(b, share, ratio, [rows, columns]);
  const start = (side: Value, extent: number): Value => {
    const room = square ? b.scalar(extent) : b.add(b.sub(extent, side), 1);
    const at = b.op('Floor', [b.mul(dice.site.uniform(shape), room)]);
    return square ? b.sub(at, b.op('Floor', [b.mul(side, 0.5)])) : at;
  };
  const top = start(height, rows);
  const left = start(width, columns);
  const hit = dice.occurs(square ? 1 : 0.5, 4);
  return { top: b.where(hit, top, b.scalar(2 * rows)), left, height, width };
}

/** What of an image differs from the mean tone of its border, [batch, 1, 1, 1]. */
function contentOf(b: GraphBuilder, image: Value, tone: Value): Value {
  return b.reduceSum(b.abs(b.sub(image, tone)), [1, 2, 3], true);
}

function toneOfBorder(b: GraphBuilder, image: Value): Value {
  const [, , height, width] = image.shape;
  const rows = b.concat([b.slice(image, [0], [1], [2]), b.slice(image, [height - 1], [height], [2])], 2);
  const columns = b.concat([b.slice(image, [0], [1], [3]), b.slice(image, [width - 1], [width], [3])], 3);
  const mean = (edge: Value): Value => b.reduceMean(edge, [2, 3], true);
  return b.mul(b.add(mean(rows), mean(columns)), 0.5);
}

/** Images [batch, channels, height, width] after their own random changes, within the range of the data. */
function augment(
  b: GraphBuilder,
  images: Value,
  { site, strength, input, given }: { site: RandomSite; strength: Value; input: InputDescription; given: Options },
): Value {
  const dice = diceOf(b, site, images.shape[0], strength);
  const bounds = boundsOf(b, input, images);
  const border: Border = given.border === 'dark' ? bounds.low : given.border === 'mean' ? b.scalar(0) : given.border;
  const changed = inParts(b, images, draw(b, dice, given, images), (image, drawn) => {
    const { top, left, height, width } = drawn;
    let part = moved(b, image, drawn, border);
    if (top !== undefined) {
      part = b.where(inBox(b, { top, left, height, width }, image.shape.slice(2)), b.scalar(0), part);
    }
    if (given.keep > 0) {
      const tone = toneOfBorder(b, image);
      const least = b.mul(contentOf(b, image, tone), given.keep);
      part = b.where(b.less(contentOf(b, part, tone), least), image, part);
    }
    const factors = COLOURS.filter((kind) => drawn[kind] !== undefined);
    if (factors.length === 0) return part;
    const recoloured = (unit: Value): Value => factors.reduce((x, kind) => CHANGE[kind](b, x, drawn[kind]), unit);
    return onUnit(b, part, bounds, recoloured);
  });
  if (given.noise === 0) return changed;
  const noisy = b.add(changed, b.mul(site.normal(images.shape), b.mul(strength, given.noise)));
  return input.range === undefined ? noisy : b.maximum(b.minimum(noisy, bounds.high), bounds.low);
}

const CHANGE = { brightness, contrast, saturation };

export const imageAugmentation = defineRegularizer<Options>({
  type: 'image-augmentation',
  title: 'Image augmentation (flip, crop, affine, colour, erasing, noise)',
  technique: 'T8',
  summary:
    'Moves, turns, mirrors, recolours, erases and disturbs each training image by its own random amounts; the strength scales them all.',
  strength: { unit: 'share of the declared amounts', default: 1, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
  options,
  augments: true,
  hooks: {
    batch: ({ b, inputs, strength, random }, given, batch) => {
      const augmented: Record<string, Value> = { ...batch.inputs };
      for (const input of inputs.filter(({ content, shape }) => content === 'image' && shape.length === 3)) {
        const site = random(input.name);
        augmented[input.name] = b.detached(() =>
          augment(b, batch.inputs[input.name], { site, strength, input, given }),
        );
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['image'] },
  conflicts: ({ options: { flip, rotate, labelsSurvive }, strength }, { classes }) =>
    labelConflicts('image-augmentation', classes, { flip, rotate: rotate * strength, declared: labelsSurvive }),
  cost: {
    training:
      'two small batched matrix products an image; with rotate or shear four gathers a pixel instead (about 10 ns)',
    inference: 'none',
  },
  fails: [
    'A transform that changes the label (a mirrored 2, a zoomed lesion whose size is the diagnosis): set its amount to 0 (X8).',
    'Amounts beyond what production shows.',
  ],
  dataSize: 'Largest gain with few images a class.',
  references: [
    'Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks, ICDAR 2003',
    'Jaderberg et al., Spatial Transformer Networks, NeurIPS 2015 (linear resampling kernel)',
    'Zhong et al., Random Erasing Data Augmentation, AAAI 2020 (area, ratio and odds as in torchvision)',
    'DeVries and Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, 2017',
    'torchvision.transforms.v2 (brightness, contrast, saturation, as checked against)',
  ],
});
