import { BallastError } from '../errors.js';
import type { BoxLayout } from '../evaluation/units/decode-boxes.js';
import type { Graph } from '../graph/model.js';

/** Channels, height, width. */
export type Shape = readonly [1 | 3, number, number];

/** How pictures reach a detector, and what its answer means. */
export interface DetectorPorts {
  readonly input: string;
  readonly shape: Shape;
  readonly output: string;
  readonly layout: BoxLayout;
}

/**
 * The ports of a detector: one input of pictures [N, channels, height, width] from 0 to 1, and an output [N, 4 + classes,
 * anchors] or [N, anchors, 4 + classes], float32.
 *
 * @param categories how many classes the data has
 * @param output its name, where there are several
 * @throws BallastError DETECTOR_INPUT, DETECTOR_OUTPUT saying what it has instead
 */
export function detectorPorts(
  { inputs, outputs, initializers }: Graph,
  categories: number,
  output: string | undefined,
): DetectorPorts {
  const free = inputs.filter(({ name }) => !initializers.has(name));
  const listed = (some: typeof inputs): string =>
    some.map(({ name, type, shape }) => `${name}: ${type} [${shape?.join(', ') ?? ''}]`).join('; ');
  const [picture] = free;
  const [, channels, height, width] = picture?.shape ?? [];
  if (
    free.length !== 1 ||
    picture.type !== 'float32' ||
    picture.shape?.length !== 4 ||
    (channels !== 1 && channels !== 3) ||
    typeof height !== 'number' ||
    typeof width !== 'number'
  ) {
    throw new BallastError(`a detector takes pictures of one size, and this takes ${listed(free)}`, {
      code: 'DETECTOR_INPUT',
      remedy: 'Export it with one float32 input [N, 1 or 3, height, width] whose height and width are fixed',
    });
  }
  if (output === undefined && outputs.length !== 1) {
    throw new BallastError(`which output is meant is not clear: ${listed(outputs)}`, {
      code: 'DETECTOR_OUTPUT',
      remedy: 'Add --output NAME, or export the detector before its non-maximum suppression',
    });
  }
  const chosen = output === undefined ? outputs[0] : outputs.find(({ name }) => name === output);
  if (chosen === undefined) {
    throw new BallastError(`the model has no output "${output ?? ''}"`, {
      code: 'DETECTOR_OUTPUT',
      remedy: `Its outputs are ${listed(outputs)}`,
    });
  }
  const [, first, second] = chosen.shape ?? [];
  const wide = 4 + categories;
  const anchorsLast = first === wide;
  const anchors = anchorsLast ? second : first;
  if (
    chosen.type !== 'float32' ||
    chosen.shape?.length !== 3 ||
    (!anchorsLast && second !== wide) ||
    typeof anchors !== 'number'
  ) {
    throw new BallastError(
      `the output "${listed([chosen])}" is not boxes with scores of ${categories} classes, which the data has`,
      {
        code: 'DETECTOR_OUTPUT',
        remedy: `Export it as [N, ${wide}, anchors] or [N, anchors, ${wide}]: centre x, centre y, width, height in pixels, a score from 0 to 1 for each category, without non-maximum suppression`,
      },
    );
  }
  return {
    input: picture.name,
    shape: [channels, height, width],
    output: chosen.name,
    layout: { classes: categories, anchors, anchorsLast },
  };
}
