/** Detection: boxes against boxes, as COCO's evaluation counts them. */
import { group } from 'd3-array';
import { invalid } from '../invalid.js';
import { type MatchedClass, matchClass } from './matching.js';
import type { UnitMetric } from './unit-metric.js';

/** Left, top, width, height, in pixels. */
export type Box = readonly [number, number, number, number];

export interface TruthBox {
  readonly image: number;
  readonly category: number;
  readonly box: Box;
  /** In square pixels; of a segmentation it is less than the box. Default: that of the box. */
  readonly area?: number;
  /** A crowd: boxes within it are neither right nor wrong. */
  readonly crowd?: boolean;
}

export interface DetectedBox {
  readonly image: number;
  readonly category: number;
  readonly box: Box;
  readonly score: number;
}

export interface DetectionInput {
  /** Images that were looked at, those without any object too. */
  readonly images: readonly number[];
  readonly truth: readonly TruthBox[];
  readonly detected: readonly DetectedBox[];
}

/** IoU thresholds 0.5, 0.55, ... 0.95. */
const THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => 0.5 + 0.05 * i);
/** Detections of an image and class beyond these, by score, are not looked at. */
const MOST_DETECTIONS = 100;

/** Sizes of objects in square pixels, from and to. */
const SIZES = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

export interface DetectionSample {
  readonly images: number;
  /** By size, then class. */
  readonly matched: Readonly<Record<keyof typeof SIZES, readonly MatchedClass[]>>;
}

/** @throws BallastError EVALUATION_BOX, EVALUATION_IMAGE naming the box */
export function prepareDetection({ images, truth, detected }: DetectionInput): DetectionSample {
  const index = new Map(images.map((image, i) => [image, i]));
  const check = (name: string, boxes: readonly (TruthBox | DetectedBox)[]): void => {
    boxes.forEach(({ image, box: [left, top, width, height] }, i) => {
      if (!index.has(image))
        throw invalid('A box is on an image that there is not', 'EVALUATION_IMAGE', image, `${name} ${i}`);
      if (!(Number.isFinite(left) && Number.isFinite(top) && width >= 0 && height >= 0)) {
        throw invalid(
          'A box is left, top, width, height, with sizes of at least 0',
          'EVALUATION_BOX',
          [left, top, width, height],
          `${name} ${i}`,
        );
      }
    });
  };
  check('truth', truth);
  check('detection', detected);
  const bad = detected.findIndex(({ score }) => !Number.isFinite(score));
  if (bad >= 0)
    throw invalid('A score is missing or infinite', 'EVALUATION_NOT_FINITE', detected[bad].score, `detection ${bad}`);
  const categories = [...new Set([...truth, ...detected].map(({ category }) => category))].sort((a, b) => a - b);
  const truths = group(truth, ({ category }) => category);
  const detections = group(detected, ({ category }) => category);
  const matched = (size: readonly [number, number]): MatchedClass[] =>
    categories.map((category) =>
      matchClass({
        images: index,
        truth: truths.get(category) ?? [],
        detected: detections.get(category) ?? [],
        size,
        thresholds: THRESHOLDS,
        mostDetections: MOST_DETECTIONS,
      }),
    );
  return {
    images: images.length,
    matched: {
      all: matched(SIZES.all),
      small: matched(SIZES.small),
      medium: matched(SIZES.medium),
      large: matched(SIZES.large),
    },
  };
}

type Summary = (matched: MatchedClass, counts: Float64Array | undefined, threshold: number) => number;

/** Mean over classes and thresholds; classes without an object do not count. */
function averaged(
  size: keyof typeof SIZES,
  thresholds: readonly number[],
  of: Summary,
): UnitMetric<DetectionSample>['measure'] {
  return ({ matched, images }) => {
    const mean = (counts?: Float64Array): number => {
      let [sum, terms] = [0, 0];
      for (const own of matched[size]) {
        for (const threshold of thresholds) {
          const value = of(own, counts, threshold);
          if (Number.isNaN(value)) continue;
          sum += value;
          terms++;
        }
      }
      return terms === 0 ? Number.NaN : sum / terms;
    };
    const value = mean();
    return Number.isNaN(value)
      ? { reason: 'there is no object of that size' }
      : { value, support: images, resample: mean };
  };
}

const every = THRESHOLDS.map((_, t) => t);
const SHARED = { direction: 'higher', range: [0, 1], standard: [Number.NaN] } as const;
const COCO = 'interpolated at 101 recalls, mean over classes (Lin et al. 2014, COCO)';

export const DETECTION_METRICS: readonly UnitMetric<DetectionSample>[] = [
  {
    ...SHARED,
    name: 'mAP',
    title: 'mAP',
    description: `Average precision, mean over IoU thresholds 0.5 to 0.95, ${COCO}.`,
    measure: averaged('all', every, averagePrecision),
  },
  {
    ...SHARED,
    name: 'mAP50',
    title: 'mAP, IoU 0.5',
    description: `Average precision at IoU 0.5, ${COCO}.`,
    measure: averaged('all', [0], averagePrecision),
  },
  {
    ...SHARED,
    name: 'mAP75',
    title: 'mAP, IoU 0.75',
    description: `Average precision at IoU 0.75, ${COCO}.`,
    measure: averaged('all', [5], averagePrecision),
  },
  {
    ...SHARED,
    name: 'mAPsmall',
    title: 'mAP, small',
    description: 'mAP of objects below 32 x 32 pixels.',
    measure: averaged('small', every, averagePrecision),
  },
  {
    ...SHARED,
    name: 'mAPmedium',
    title: 'mAP, medium',
    description: 'mAP of objects from 32 x 32 to 96 x 96 pixels.',
    measure: averaged('medium', every, averagePrecision),
  },
  {
    ...SHARED,
    name: 'mAPlarge',
    title: 'mAP, large',
    description: 'mAP of objects above 96 x 96 pixels.',
    measure: averaged('large', every, averagePrecision),
  },
  {
    ...SHARED,
    name: 'mAR',
    title: 'mAR',
    description: 'Recall with up to 100 detections an image, mean over classes and IoU thresholds.',
    measure: averaged('all', every, recall),
  },
];

/** Area below the precision envelope at recalls 0, 0.01, ... 1; NaN without an object. */
function averagePrecision(
  { objects, hits }: MatchedClass,
  counts: Float64Array | undefined,
  threshold: number,
): number {
  const all = countOf(objects, counts);
  if (all === 0) return Number.NaN;
  const { image, hit } = hits[threshold];
  const recalls: number[] = [];
  const precisions: number[] = [];
  let [right, seen] = [0, 0];
  for (let i = 0; i < image.length; i++) {
    const weight = counts === undefined ? 1 : counts[image[i]];
    if (weight === 0) continue;
    seen += weight;
    right += weight * hit[i];
    recalls.push(right / all);
    precisions.push(right / (seen + Number.EPSILON));
  }
  for (let i = precisions.length - 1; i > 0; i--) precisions[i - 1] = Math.max(precisions[i - 1], precisions[i]);
  // 0.01 * step, not step / 100: where a recall is exactly 0.7 the reference rounds so.
  let sum = 0;
  let at = 0;
  for (let step = 0; step <= 100; step++) {
    while (at < recalls.length && recalls[at] < 0.01 * step) at++;
    if (at === recalls.length) break;
    sum += precisions[at];
  }
  return sum / 101;
}

function recall({ objects, hits }: MatchedClass, counts: Float64Array | undefined, threshold: number): number {
  const all = countOf(objects, counts);
  if (all === 0) return Number.NaN;
  const { image, hit } = hits[threshold];
  let right = 0;
  for (let i = 0; i < image.length; i++) right += hit[i] * (counts === undefined ? 1 : counts[image[i]]);
  return right / all;
}

function countOf(objects: Float64Array, counts: Float64Array | undefined): number {
  let sum = 0;
  for (let image = 0; image < objects.length; image++)
    sum += objects[image] * (counts === undefined ? 1 : counts[image]);
  return sum;
}
