/** From what a single-shot detector answers, a box with scores for each anchor, to detections: non-maximum suppression. */
import type { Box, DetectedBox } from './detection.js';
import { overlap } from './matching.js';

/** How boxes and scores lie in an answer of a picture, [4 + classes, anchors] or [anchors, 4 + classes]. */
export interface BoxLayout {
  readonly classes: number;
  readonly anchors: number;
  /** Whether the anchors are the last axis. */
  readonly anchorsLast: boolean;
}

/** Scores below are no detections. COCO counts what is sure and what is not; so little changes nothing. */
const LEAST_SCORE = 0.01;
/** A box that overlaps a surer one of its class by more is the same object. */
const SAME_OBJECT = 0.65;
/** Detections of a picture. */
const MOST = 100;

/**
 * The boxes of one picture: centre x, centre y, width, height in pixels of the network's input, then a score from 0 to 1 for
 * each class (the layout of YOLO exports), as left, top, width, height in pixels of the picture.
 *
 * @param categories by class
 * @param scale pixels of the picture for one of the input, across and down
 */
export function decodeBoxes(
  values: ArrayLike<number>,
  { classes, anchors, anchorsLast }: BoxLayout,
  { image, categories, scale }: { image: number; categories: readonly number[]; scale: readonly [number, number] },
): DetectedBox[] {
  const width = 4 + classes;
  const at = (value: number, anchor: number): number =>
    values[anchorsLast ? value * anchors + anchor : anchor * width + value];
  const found: DetectedBox[] = [];
  for (let anchor = 0; anchor < anchors; anchor++) {
    for (let one = 0; one < classes; one++) {
      const score = at(4 + one, anchor);
      if (!(score >= LEAST_SCORE)) continue;
      const [across, down] = [Math.max(0, at(2, anchor)), Math.max(0, at(3, anchor))];
      const box: Box = [
        (at(0, anchor) - across / 2) * scale[0],
        (at(1, anchor) - down / 2) * scale[1],
        across * scale[0],
        down * scale[1],
      ];
      if (box.every(Number.isFinite)) found.push({ image, category: categories[one], box, score });
    }
  }
  found.sort((a, b) => b.score - a.score);
  const kept: DetectedBox[] = [];
  for (const each of found) {
    if (kept.length === MOST) break;
    const same = kept.some(
      ({ category, box }) => category === each.category && overlap(each.box, box, false) > SAME_OBJECT,
    );
    if (!same) kept.push(each);
  }
  return kept;
}
