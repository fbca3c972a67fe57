import type { ClassificationInput, PredictionInput } from '../evaluation/input.js';
import { type BoxLayout, decodeBoxes } from '../evaluation/units/decode-boxes.js';
import type { DetectedBox, DetectionInput, TruthBox } from '../evaluation/units/detection.js';
import { writeModel } from '../graph/format/encode.js';
import type { Model } from '../graph/model.js';
import type { Runtime, Session } from '../graph/runtime/runtime.js';
import { type NumericArray, sizeOf, type Tensor } from '../graph/tensor.js';
import type { Feeds } from './measure/feeds.js';
import type { Batches } from './observe/activations.js';

/** Rows as a network takes them. */
export interface Rows {
  /** [rows, ...] by input. */
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** The model takes exactly so many rows at a time. */
  readonly batch?: number | undefined;
}

/** Rows with their right answers. */
export interface Examples extends Rows {
  readonly task: 'classification' | 'regression';
  /** In the order of the scores; empty for regression. */
  readonly classes: readonly string[];
  readonly output: { readonly name: string; readonly kind: 'logits' | 'probabilities' | 'labels' | 'predictions' };
  /** Class codes, or numbers; a row each. */
  readonly target: Int32Array | Float64Array;
  readonly weights?: Float64Array | undefined;
}

/** Pictures for a detector, a row each, with the objects on them. */
export interface Pictures extends Rows {
  readonly task: 'detection';
  readonly output: { readonly name: string; readonly kind: 'detections' };
  readonly layout: BoxLayout;
  /** Category of each class, in the order of the scores. */
  readonly categories: readonly number[];
  /** Id of each picture. */
  readonly images: readonly number[];
  /** Of each picture: its pixels for one of the input, across and down. */
  readonly scales: readonly (readonly [number, number])[];
  /** Objects on each picture, in its own pixels. */
  readonly truth: readonly (readonly TruthBox[])[];
}

/** What a network answers, beside what is right. */
export type Answers = PredictionInput | Detections;

export interface Detections extends DetectionInput {
  readonly task: 'detection';
}

/** Rows at a time: calibration holds the activations of one batch. */
const BATCH = 64;

/** Some rows of examples in batches, made one at a time; whole ones only, where the batch is fixed. */
export function batchesOf({ inputs, batch }: Rows, rows: Uint32Array): Batches {
  const size = batch ?? BATCH;
  return function* batches() {
    for (let from = 0; from < rows.length; from += size) {
      const part = rows.subarray(from, from + size);
      if (batch === undefined || part.length === size) yield feedsOf(inputs, part);
    }
  };
}

/** Some rows of all inputs. */
export function feedsOf(inputs: Rows['inputs'], rows: Uint32Array): Feeds {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { type, shape, data }]) => {
      const width = sizeOf(shape.slice(1));
      const taken = new (data.constructor as Float32ArrayConstructor)(rows.length * width);
      rows.forEach((row, i) => {
        taken.set((data as Float32Array).subarray(row * width, (row + 1) * width), i * width);
      });
      return [name, { type, shape: [rows.length, ...shape.slice(1)], data: taken }];
    }),
  );
}

/** What a network answers to some rows, as evaluation takes it. */
export function answersTo(
  runtime: Runtime,
  model: Model,
  examples: Examples,
  rows: Uint32Array,
): Promise<PredictionInput>;
export function answersTo(runtime: Runtime, model: Model, examples: Pictures, rows: Uint32Array): Promise<Detections>;
export function answersTo(
  runtime: Runtime,
  model: Model,
  examples: Examples | Pictures,
  rows: Uint32Array,
): Promise<Answers>;
export async function answersTo(
  runtime: Runtime,
  model: Model,
  examples: Examples | Pictures,
  rows: Uint32Array,
): Promise<Answers> {
  const session = await runtime.load(writeModel(model));
  try {
    return examples.task === 'detection'
      ? await detectionsOf(session, examples, rows)
      : await answersOf(session, examples, rows);
  } finally {
    session.release();
  }
}

async function detectionsOf(session: Session, pictures: Pictures, rows: Uint32Array): Promise<Detections> {
  const { output, layout, categories, images, scales, truth } = pictures;
  const size = (4 + layout.classes) * layout.anchors;
  const detected: DetectedBox[] = [];
  let done = 0;
  for await (const feeds of batchesOf(pictures, rows)()) {
    const { data } = (await session.run(feeds, [output.name]))[output.name];
    for (let from = 0; from < data.length; from += size, done++) {
      const row = rows[done];
      const values = (data as Float32Array).subarray(from, from + size);
      detected.push(...decodeBoxes(values, layout, { image: images[row], categories, scale: scales[row] }));
    }
  }
  return {
    task: 'detection',
    images: Array.from(rows, (row) => images[row]),
    truth: Array.from(rows).flatMap((row) => truth[row]),
    detected,
  };
}

async function answersOf(session: Session, examples: Examples, rows: Uint32Array): Promise<PredictionInput> {
  const { task, classes, output, target, weights } = examples;
  const answers: number[] = [];
  for await (const feeds of batchesOf(examples, rows)()) {
    const result = await session.run(feeds, [output.name]);
    for (const value of result[output.name].data) answers.push(Number(value));
  }
  const chosen = weights === undefined ? {} : { weights: Float64Array.from(rows, (row) => weights[row]) };
  if (task === 'regression') {
    return { task, ...chosen, target: Float64Array.from(rows, (row) => target[row]), predictions: answers };
  }
  const common: ClassificationInput = { task, ...chosen, classes, target: Int32Array.from(rows, (row) => target[row]) };
  if (output.kind !== 'labels') return { ...common, [output.kind]: answers };
  return { ...common, predictions: answers };
}
