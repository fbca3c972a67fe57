import { answersTo, feedsOf, type Pictures } from '../compression/examples.js';
import type { Parts, Subject } from '../compression/pipeline/subject.js';
import { prepareModel } from '../compression/quantize/prepare.js';
import { split } from '../data/split.js';
import { contentVersion, rowHashes } from '../data/version.js';
import { BallastError } from '../errors.js';
import type { DetectionInput } from '../evaluation/units/detection.js';
import { writeModel } from '../graph/format/encode.js';
import { normalize } from '../graph/format/normalize.js';
import type { Graph, Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, sizeOf } from '../graph/tensor.js';
import { upgrade } from '../graph/upgrade/index.js';
import { withAnyBatch } from '../models/foreign.js';
import { type DetectorPictures, readObjects, readPictures } from './detector-pictures.js';
import { type DetectorPorts, detectorPorts } from './detector-ports.js';

/** The metric of a detector. */
export const DETECTOR_METRIC = 'mAP';

/** A detector with pictures. */
export interface Detector {
  /** Of Ballast's opset, for any number of pictures. */
  readonly model: Model;
  readonly pictures: Pictures;
  /** Names the pictures' content. */
  readonly version: string;
  readonly hashes: BigUint64Array;
}

/**
 * A detector as it was read, and the pictures of a COCO file as it takes them.
 *
 * @throws BallastError DETECTOR_DATA, DETECTOR_INPUT, DETECTOR_OUTPUT
 */
export async function readDetector(model: Model, source: string, output: string | undefined): Promise<Detector> {
  const objects = await readObjects(source);
  const upgraded = upgrade(normalize(model));
  const given = await withKnownOutputs(upgraded);
  const ports = detectorPorts(given, objects.categories.length, output);
  const [batch] = given.inputs[0]?.shape ?? [];
  if (typeof batch === 'number' && batch !== 1) {
    throw new BallastError(`the detector takes exactly ${batch} pictures at a time`, {
      code: 'MODEL_FIXED_BATCH',
      remedy: 'Export it with a free batch dimension',
    });
  }
  const graph = withAnyBatch(given);
  const read = await readPictures(source, objects, ports.shape);
  return {
    model: { ...upgraded, graph },
    pictures: picturesOf(ports, read),
    version: contentVersion(read.table),
    hashes: rowHashes(read.table),
  };
}

/**
 * A detector's graph with the extents that its outputs have for one picture: exporters that leave the batch free often call every axis of
 * an output by a name.
 */
async function withKnownOutputs(model: Model): Promise<Graph> {
  const { graph } = model;
  const isKnown = ({ shape = [] }: Graph['outputs'][number]): boolean =>
    shape.slice(1).every((extent) => typeof extent === 'number');
  const [picture, ...others] = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const size = (picture?.shape ?? []).slice(1);
  const isPicture =
    picture?.type === 'float32' && size.length === 3 && size.every((extent) => typeof extent === 'number');
  if (graph.outputs.every(isKnown) || others.length > 0 || !isPicture) return graph;
  const shape = [1, ...(size as number[])];
  const session = await (await openRuntime()).load(writeModel(model));
  try {
    const answers = await session.run({ [picture.name]: float32(shape, new Float32Array(sizeOf(shape))) });
    const outputs = graph.outputs.map((output) =>
      isKnown(output) ? output : { ...output, shape: ['batch', ...answers[output.name].shape.slice(1)] },
    );
    return { ...graph, outputs };
  } finally {
    session.release();
  }
}

function picturesOf(
  { input, shape, output, layout }: DetectorPorts,
  { table, images, scales, truth, categories }: DetectorPictures,
): Pictures {
  const [column] = table.columns;
  if (column.kind !== 'array') throw new Error('pictures are arrays');
  const data = Float32Array.from(column.data as Uint8Array, (byte) => byte / 255);
  return {
    ...{ task: 'detection', output: { name: output, kind: 'detections' }, layout },
    inputs: { [input]: float32([table.rows, ...shape], data) },
    ...{ categories: categories.map(({ id }) => id), images, scales, truth },
  };
}

/** Without an object there is nothing to find: no figure would say anything. */
function requireObjects({ truth }: Pictures): void {
  if (truth.some((boxes) => boxes.length > 0)) return;
  throw new BallastError('no object is annotated on the pictures that a detector is judged on', {
    code: 'DETECTOR_DATA',
    place: 'annotations',
    remedy: 'Annotate what is on them: annotations with image_id, category_id and bbox',
  });
}

/** What a detector answers to all its pictures, beside what is on them. @throws BallastError DETECTOR_DATA where nothing is */
export async function detectionsOf(runtime: Runtime, { model, pictures }: Detector): Promise<DetectionInput> {
  requireObjects(pictures);
  return answersTo(
    runtime,
    model,
    pictures,
    Uint32Array.from(pictures.images, (_, row) => row),
  );
}

/** Shares of the pictures, where one file names all. */
const TUNE = 0.2;
const JUDGE = 0.3;
/** Share of the pictures to judge on, where they are given, that the epoch is chosen on. */
const TUNE_OF_JUDGE = 0.4;
/** Fewer say too little about what is lost. */
const LEAST = 60;

/** A detector as compression works on it: pictures of equal content stay in one part. @throws BallastError COMPRESS_ROWS, DETECTOR_DATA */
export async function detectorSubject(
  runtime: Runtime,
  fit: Detector,
  judge: Detector | undefined,
  { source, seed }: Pick<Subject, 'source' | 'seed'>,
): Promise<Subject> {
  const { model: network } = await prepareModel(runtime, fit.model, { foldNormalizations: false });
  const judged = judge ?? fit;
  requireObjects(judged.pictures);
  if (judged.hashes.length < LEAST) {
    throw new BallastError(`${judged.hashes.length} pictures are too few to judge a compressed detector on`, {
      code: 'COMPRESS_ROWS',
      remedy: `Give ${LEAST} at least; a conversion (--method) needs fewer`,
    });
  }
  const cut = (validation: number, holdout: number) =>
    split({ hashes: judged.hashes }, { strategy: 'random', validation, holdout, seed });
  const count = fit.hashes.length;
  let rows: Parts;
  if (judge === undefined) {
    const { train, validation, holdout } = cut(TUNE, JUDGE);
    rows = { fit: train, tune: validation, judge: holdout };
  } else {
    const { train, holdout } = cut(0, 1 - TUNE_OF_JUDGE);
    const behind = (some: Uint32Array): Uint32Array => some.map((row) => row + count);
    rows = { fit: Uint32Array.from({ length: count }, (_, row) => row), tune: behind(train), judge: behind(holdout) };
  }
  const examples = judge === undefined ? fit.pictures : together(fit.pictures, judge.pictures);
  return {
    ...{ network, examples, rows, primary: DETECTOR_METRIC, seed, deploy: (made) => made },
    request: feedsOf(examples.inputs, rows.judge.subarray(0, 1)),
    ...{ source, dataVersion: judged.version },
  };
}

/** The pictures of both files; ids of the second, which may be those of other pictures in the first, are set off. */
function together(first: Pictures, second: Pictures): Pictures {
  const offset = Math.max(...first.images) + 1 - Math.min(...second.images);
  const [name] = Object.keys(first.inputs);
  const [own, other] = [first.inputs[name], second.inputs[name]];
  const data = new Float32Array(own.data.length + other.data.length);
  data.set(own.data as Float32Array);
  data.set(other.data as Float32Array, own.data.length);
  return {
    ...first,
    inputs: { [name]: float32([own.shape[0] + other.shape[0], ...own.shape.slice(1)], data) },
    images: [...first.images, ...second.images.map((id) => id + offset)],
    scales: [...first.scales, ...second.scales],
    truth: [
      ...first.truth,
      ...second.truth.map((boxes) => boxes.map((box) => ({ ...box, image: box.image + offset }))),
    ],
  };
}
