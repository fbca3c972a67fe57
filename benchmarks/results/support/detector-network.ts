import type { Pictures } from '../../../src/compression/examples.js';
import { fineTune } from '../../../src/compression/train/fine-tune.js';
import { lessonOf, withLearned } from '../../../src/compression/train/imitate.js';
import { GraphBuilder, type Value } from '../../../src/graph/builder.js';
import { ints, type Model } from '../../../src/graph/model.js';
import type { Runtime } from '../../../src/graph/runtime/runtime.js';
import { float32, int64, type Tensor } from '../../../src/graph/tensor.js';
import { derive } from '../../../src/numeric/index.js';
import { SIDE } from './composed-pictures.js';

/** Pixels from one anchor to the next. */
const STRIDE = 8;
const CELLS = SIDE / STRIDE;
const OUTPUTS = 'detections';
/** Pixels of a side of a usual box. */
const USUAL = 20;

/** A single-shot detector with a box for each cell of a grid (as YOLO), of the given widths, with first weights. */
export function freshDetector(classes: number, widths: readonly number[], seed: number): Model {
  const b = new GraphBuilder('detector');
  const random = derive(seed, 'detector');
  const weights = (name: string, shape: number[], deviation: number): Value =>
    b.initializer(
      name,
      float32(
        shape,
        Float32Array.from({ length: shape.reduce((a, c) => a * c) }, () => deviation * random.normal()),
      ),
    );
  const constant = (name: string, length: number, value: number): Value =>
    b.initializer(name, float32([length], new Float32Array(length).fill(value)));
  let x = b.input('pictures', 'float32', [1, 3, SIDE, SIDE]);
  let channels = 3;
  widths.forEach((width, i) => {
    const stride = i % 2 === 0 && i < 6 ? 2 : 1;
    const w = weights(`conv${i}.weight`, [width, channels, 3, 3], Math.sqrt(2 / (9 * channels)));
    x = b.op('Conv', [x, w], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([stride, stride]) });
    x = b.op('BatchNormalization', [
      x,
      ...[constant(`norm${i}.scale`, width, 1), constant(`norm${i}.bias`, width, 0)],
      ...[constant(`norm${i}.mean`, width, 0), constant(`norm${i}.var`, width, 1)],
    ]);
    x = b.relu(x);
    channels = width;
  });
  const bias = new Float32Array(4 + classes).fill(-4);
  bias.fill(0, 0, 4);
  const head = weights('head.weight', [4 + classes, channels, 1, 1], 0.01);
  x = b.op('Conv', [x, head, b.initializer('head.bias', float32([4 + classes], bias))], { kernel_shape: ints([1, 1]) });
  const [centre, extent, scores] = b.split(b.reshape(x, [-1, 4 + classes, CELLS * CELLS]), [2, 2, classes], 1);
  const grid = b.initializer('grid', gridOf(CELLS));
  const boxes = [
    b.mul(b.add(b.mul(b.sigmoid(centre), 2), grid), STRIDE),
    b.mul(b.exp(b.clip(extent, -4, 4)), USUAL),
    b.sigmoid(scores),
  ];
  b.output(OUTPUTS, b.concat(boxes, 1));
  return b.model();
}

/** Where the cells of a grid begin, across and down: [1, 2, cells]. */
function gridOf(cells: number): Tensor<Float32Array> {
  const all = cells * cells;
  const starts = Float32Array.from({ length: 2 * all }, (_, i) =>
    i < all ? (i % cells) - 0.5 : Math.floor((i - all) / cells) - 0.5,
  );
  return float32([1, 2, all], starts);
}

/**
 * A detector of pictures, whole or compressed, as one of larger frames: convolutions take any size, so that only the grid and the shapes
 * that are written down change.
 */
export function ofFrames(model: Model, side: number): Model {
  const { graph } = model;
  const cells = side / STRIDE;
  const [old, now] = [gridOf(CELLS), gridOf(cells)];
  const initializers = new Map<string, Tensor>(
    [...graph.initializers].map(([name, tensor]) => {
      const { type, shape, data } = tensor;
      if (type === 'float32' && shape.join() === old.shape.join() && data.every((value, i) => value === old.data[i])) {
        return [name, now];
      }
      const sizes = type === 'int64' && data.length === 3 ? Array.from(data, Number) : [];
      return [name, sizes[2] === CELLS * CELLS ? int64([3], [...sizes.slice(0, 2), cells * cells]) : tensor];
    }),
  );
  const inputs = graph.inputs.map((input) => ({ ...input, shape: ['batch', 3, side, side] }));
  const outputs = graph.outputs.map((output) => ({ ...output, shape: ['batch', output.shape![1], cells * cells] }));
  return { ...model, graph: { ...graph, initializers, inputs, outputs, valueInfo: new Map() } };
}

/** What a detector should answer to pictures: the cell of each object's centre is sure of it. */
function rightAnswers({ truth, layout, images, categories, scales }: Pictures): Tensor<Float32Array> {
  const { classes, anchors } = layout;
  const size = (4 + classes) * anchors;
  const said = new Float32Array(images.length * size);
  truth.forEach((boxes, row) => {
    for (const { category, box } of boxes) {
      const [across, down] = scales[row];
      const [left, top, width, height] = [box[0] / across, box[1] / down, box[2] / across, box[3] / down];
      const [x, y] = [left + width / 2, top + height / 2];
      const cell = Math.floor(y / STRIDE) * CELLS + Math.floor(x / STRIDE);
      [x, y, width, height].forEach((value, i) => {
        said[row * size + i * anchors + cell] = value;
      });
      said[row * size + (4 + categories.indexOf(category)) * anchors + cell] = 1;
    }
  });
  return float32([images.length, 4 + classes, anchors], said);
}

/** Trains a detector on the objects of its pictures. */
export async function trainedDetector(
  runtime: Runtime,
  network: Model,
  pictures: Pictures,
  { epochs, seed, tell }: { epochs: number; seed: number; tell: (line: string) => void },
): Promise<Model> {
  const lesson = lessonOf(network, pictures, rightAnswers(pictures));
  const rows = Uint32Array.from(pictures.images, (_, row) => row);
  const cut = Math.round(0.9 * rows.length);
  const { model } = await fineTune(
    runtime,
    lesson.model,
    lesson.examples,
    { train: rows.subarray(0, cut), validation: rows.subarray(cut) },
    {
      ...{ epochs, seed, tell, learningRate: 2e-3, batchSize: 32, weightDecay: 0.05 },
      ...{ teacherShare: 0, classWeighted: false },
    },
  );
  return withLearned(network, model);
}
