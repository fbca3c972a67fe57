import type { GraphBuilder, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import type { RandomSite } from '../../graph/random.js';
import { int64 } from '../../graph/tensor.js';
import {
  autocontrast,
  brightness,
  contrast,
  equalize,
  posterize,
  saturation,
  sharpness,
  solarize,
} from '../image-augmentation/colour.js';
import { type Affine, type Border, sampleAffine } from '../image-augmentation/geometry.js';
import { inParts } from '../image-augmentation/parts.js';

/** Operations that move pixels, as affine maps: several are read in one go. */
export const MOVES = ['rotate', 'shear-x', 'shear-y', 'translate-x', 'translate-y'] as const;

export const COLOURS = [
  'brightness',
  'saturation',
  'contrast',
  'sharpness',
  'posterize',
  'solarize',
  'autocontrast',
  'equalize',
] as const;

export type Operation = 'identity' | (typeof MOVES)[number] | (typeof COLOURS)[number];

/** Largest amounts, at level 1. */
export interface Amounts {
  /** Share of the side that images are translated by. */
  readonly translate: number;
  /** Bits that are kept at a level in 0 to 1. */
  readonly bits: (b: GraphBuilder, level: Value) => Value;
}

const DEGREES = 30;
const SHEAR = 0.3;
const FACTOR = 0.9;

/** How an operation is done to images [n, channels, height, width] from 0 to 1; level and sign are [n, 1, 1, 1]. */
interface Request {
  readonly level: Value;
  /** -1 or 1 at even odds. */
  readonly sign: Value;
  readonly amounts: Amounts;
}

function recolour(
  b: GraphBuilder,
  operation: (typeof COLOURS)[number],
  image: Value,
  { level, sign, amounts }: Request,
): Value {
  const factor = (): Value => b.add(b.mul(b.mul(level, sign), FACTOR), 1);
  switch (operation) {
    case 'brightness':
      return brightness(b, image, factor());
    case 'saturation':
      return saturation(b, image, factor());
    case 'contrast':
      return contrast(b, image, factor());
    case 'sharpness':
      return sharpness(b, image, factor());
    case 'posterize':
      return posterize(b, image, amounts.bits(b, level));
    case 'solarize':
      return solarize(b, image, b.sub(1, level));
    case 'autocontrast':
      return autocontrast(b, image);
    case 'equalize':
      return equalize(b, image);
    default:
      return operation satisfies never;
  }
}

/** The affine map of one operation; amounts [n, 1, 1]. */
function mapOf(
  b: GraphBuilder,
  operation: (typeof MOVES)[number],
  { amount, size: [height, width], translate }: { amount: Value; size: readonly number[]; translate: number },
): Affine {
  const [zero, one] = [b.scalar(0, 'float32', amount.shape), b.scalar(1, 'float32', amount.shape)];
  const still: Affine = { xx: one, xy: zero, yx: zero, yy: one, x: zero, y: zero };
  switch (operation) {
    case 'rotate': {
      const angle = b.mul(amount, (DEGREES * Math.PI) / 180);
      const [cos, sin] = [b.op('Cos', [angle]), b.op('Sin', [angle])];
      return { ...still, xx: cos, xy: b.neg(sin), yx: sin, yy: cos };
    }
    case 'shear-x':
      return { ...still, xy: b.mul(amount, SHEAR) };
    case 'shear-y':
      return { ...still, yx: b.mul(amount, SHEAR) };
    case 'translate-x':
      return { ...still, x: b.mul(amount, translate * width) };
    case 'translate-y':
      return { ...still, y: b.mul(amount, translate * height) };
    default:
      return operation satisfies never;
  }
}

export interface RandomOperation {
  readonly operations: readonly Operation[];
  /** Levels from 0 to 1, [rows, 1, 1, 1], for that many rows. */
  readonly levels: (rows: number) => Value;
  readonly amounts: Amounts;
  readonly border: Border;
}

/** Images that are not copied until they are needed: the i-th is row place[i] of `from` [rows, channels, height, width]. */
export interface Placed {
  readonly from: Value;
  /** int64 [images] */
  readonly place: Value;
}

export const placed = (b: GraphBuilder, { from, place }: Placed): Value => b.gather(from, place);

/**
 * One operation, drawn for each image with equal odds. Images are dealt out at random, an equal number to each operation,
 * so that no operation is computed for an image that another was drawn for; where they do not come out even, some images
 * are dealt twice and the second copy is dropped.
 *
 * @param images values from 0 to 1
 */
export function randomOperation(b: GraphBuilder, images: Placed, site: RandomSite, how: RandomOperation): Placed {
  const [batch] = images.place.shape;
  const [, , height, width] = images.from.shape;
  // Moves side by side, so that they are one reading.
  const moves = MOVES.filter((move) => how.operations.includes(move));
  const colours = COLOURS.filter((colour) => how.operations.includes(colour));
  const others = how.operations.includes('identity') ? 1 : 0;
  const count = moves.length + colours.length + others;
  const each = Math.ceil(batch / count);
  const rows = each * count;
  const deal = b.apply('TopK', [site.uniform([rows]), b.indices([rows])], {}, { outputs: 2 })[1];
  const table = int64(
    [rows],
    Array.from({ length: rows }, (_, i) => i % batch),
  );
  const dealt = b.gather(images.from, b.gather(images.place, b.gather(b.constant(table), deal)));
  const sign = b.where(site.occurs([rows, 1, 1, 1], 0.5), -1, b.scalar(1));
  const level = how.levels(rows);
  const sizes = [moves.length * each, ...colours.map(() => each), others * each].filter((size) => size > 0);
  const [parts, levels, signs] = [dealt, level, sign].map((value) => b.split(value, sizes, 0));
  const changed = sizes.map((size, part) => {
    const colour = colours[part - (moves.length > 0 ? 1 : 0)];
    if (moves.length > 0 && part === 0) {
      const amount = b.reshape(b.mul(levels[0], signs[0]), [size, 1, 1]);
      const amounts = b.split(
        amount,
        moves.map(() => each),
        0,
      );
      const maps = moves.map((move, i) =>
        mapOf(b, move, { amount: amounts[i], size: [height, width], translate: how.amounts.translate }),
      );
      const joined = (name: keyof Affine): Value =>
        b.concat(
          maps.map((map) => map[name]),
          0,
        );
      const map = {
        xx: joined('xx'),
        xy: joined('xy'),
        yx: joined('yx'),
        yy: joined('yy'),
        x: joined('x'),
        y: joined('y'),
      };
      return inParts(b, parts[0], map, (some, of) => sampleAffine(b, some, of, how.border));
    }
    if (colour === undefined) return parts[part];
    return inParts(b, parts[part], { level: levels[part], sign: signs[part] }, (some, of) =>
      recolour(b, colour, some, { ...of, amounts: how.amounts }),
    );
  });
  const place = b.apply('TopK', [b.cast(deal, 'float32'), b.indices([rows])], { largest: int(0) }, { outputs: 2 })[1];
  return { from: b.concat(changed, 0), place: b.slice(place, [0], [batch], [0]) };
}
