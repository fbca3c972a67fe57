/** Which detection is which object: COCO's greedy matching, one class at a time. */
import { group } from 'd3-array';
import type { Box, DetectedBox, TruthBox } from './detection.js';

/** Detections of one class over all images, by score, at one IoU threshold; those that do not count are left out. */
export interface Hits {
  /** Index of the image, [detections]. */
  readonly image: Int32Array;
  /** 1 where it is an object that no better detection was, [detections]. */
  readonly hit: Uint8Array;
}

export interface MatchedClass {
  /** Objects of the class on each image, [images]. */
  readonly objects: Float64Array;
  /** By threshold. */
  readonly hits: readonly Hits[];
}

export interface MatchRequest {
  /** Position of each image. */
  readonly images: ReadonlyMap<number, number>;
  readonly truth: readonly TruthBox[];
  readonly detected: readonly DetectedBox[];
  /** Objects whose area is outside do not count. */
  readonly size: readonly [number, number];
  readonly thresholds: readonly number[];
  readonly mostDetections: number;
}

interface Found {
  readonly image: number;
  readonly score: number;
  /** By threshold: 1 right, 0 wrong, -1 does not count. */
  readonly outcome: Int8Array;
}

/** Matches the boxes of one class: the best detections choose first, each the object it overlaps most. */
export function matchClass({ images, truth, detected, size, thresholds, mostDetections }: MatchRequest): MatchedClass {
  const objects = new Float64Array(images.size);
  const truths = group(truth, ({ image }) => image);
  const detections = group(detected, ({ image }) => image);
  const found: Found[] = [];
  for (const [image, position] of images) {
    const own = (truths.get(image) ?? []).map((each) => ({ ...each, ignored: isIgnored(each, size) }));
    const counted = [...own.filter(({ ignored }) => !ignored), ...own.filter(({ ignored }) => ignored)];
    objects[position] = own.filter(({ ignored }) => !ignored).length;
    const best = (detections.get(image) ?? []).toSorted((a, b) => b.score - a.score).slice(0, mostDetections);
    const overlaps = best.map(({ box }) => counted.map((object) => overlap(box, object.box, object.crowd === true)));
    const outcomes = best.map(() => new Int8Array(thresholds.length));
    thresholds.forEach((threshold, t) => {
      const taken = new Set<number>();
      best.forEach(({ box: [, , width, height] }, d) => {
        const match = choose(counted, taken, overlaps[d], threshold);
        if (match === undefined) outcomes[d][t] = within(width * height, size) ? 0 : -1;
        else {
          taken.add(match);
          outcomes[d][t] = counted[match].ignored ? -1 : 1;
        }
      });
    });
    best.forEach(({ score }, d) => {
      found.push({ image: position, score, outcome: outcomes[d] });
    });
  }
  found.sort((a, b) => b.score - a.score);
  const hits = thresholds.map((_, t): Hits => {
    const counted = found.filter(({ outcome }) => outcome[t] >= 0);
    return {
      image: Int32Array.from(counted, ({ image }) => image),
      hit: Uint8Array.from(counted, ({ outcome }) => outcome[t]),
    };
  });
  return { objects, hits };
}

/** The object with the largest overlap of at least the threshold; the ignored, which stand last, only where no other is. */
function choose(
  objects: readonly { readonly ignored: boolean; readonly crowd?: boolean }[],
  taken: ReadonlySet<number>,
  overlaps: readonly number[],
  threshold: number,
): number | undefined {
  let least = Math.min(threshold, 1 - 1e-10);
  let match: number | undefined;
  for (const [i, { ignored, crowd }] of objects.entries()) {
    if (taken.has(i) && crowd !== true) continue;
    if (match !== undefined && !objects[match].ignored && ignored) break;
    if (overlaps[i] < least) continue;
    least = overlaps[i];
    match = i;
  }
  return match;
}

const within = (area: number, [from, to]: readonly [number, number]): boolean => area >= from && area <= to;

function isIgnored({ crowd, area, box: [, , width, height] }: TruthBox, size: readonly [number, number]): boolean {
  return crowd === true || !within(area ?? width * height, size);
}

/** Intersection over union; within a crowd, over the detection alone. */
export function overlap(detected: Box, object: Box, crowd: boolean): number {
  const side = (axis: 0 | 1): number => {
    const size = axis === 0 ? 2 : 3;
    return (
      Math.min(detected[axis] + detected[size], object[axis] + object[size]) - Math.max(detected[axis], object[axis])
    );
  };
  const [width, height] = [side(0), side(1)];
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  const own = detected[2] * detected[3];
  return shared / (crowd ? own : own + object[2] * object[3] - shared);
}
