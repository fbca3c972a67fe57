import { stat } from 'node:fs/promises';
import { exportModel } from '../data/preprocess/export.js';
import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import { rawTensors } from '../data/preprocess/raw-tensors.js';
import { SEEN_KEY, seenValues } from '../data/seen-values.js';
import type { Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { writeModel } from '../graph/format/encode.js';
import { writeModelFile } from '../graph/format/file.js';
import type { Graph } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { sizeOf } from '../graph/tensor.js';

/** Rows on which the exported model is compared with the network it was made of. */
const CHECKED_ROWS = 64;
/** Values of one input that are made for them at most. */
const CHECKED_VALUES = 2 ** 24;
/** Largest difference of a logit: kernels for other batch sizes round differently. */
const TOLERANCE = 1e-3;

export interface ExportTrained {
  readonly runtime: Runtime;
  readonly preprocessor: Preprocessor;
  readonly table: Table;
  readonly graph: Graph;
  readonly path: string;
  /** Rows that it was trained on: what they held is told with the model. */
  readonly trainRows: Uint32Array;
  readonly checkRows: Uint32Array;
  /** Outputs of the network for them, row-major. */
  readonly checkOutputs: Float32Array;
  /** Answers of further outputs for them, by the names of the outputs. */
  readonly checkFurther?: Readonly<Record<string, ArrayLike<number>>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes the served model (raw columns in) and proves on some rows that it answers as the trained network did.
 *
 * @throws BallastError EXPORT_PARITY
 */
export async function exportTrained(request: ExportTrained): Promise<{ path: string; bytes: number }> {
  const { runtime, preprocessor, table, graph, path, checkOutputs, checkFurther = {} } = request;
  const columns = [...new Set(preprocessor.inputs.map(({ column }) => column))];
  const seen = seenValues(table, columns, request.trainRows);
  const model = exportModel(preprocessor, graph, {
    metadata: { ...request.metadata, [SEEN_KEY]: JSON.stringify(seen) },
  });
  const widest = Math.max(...preprocessor.inputs.map(({ shape }) => sizeOf(shape)));
  const checked = Math.max(1, Math.min(CHECKED_ROWS, Math.floor(CHECKED_VALUES / widest)));
  const rows = request.checkRows.subarray(0, checked);
  const session = await runtime.load(writeModel(model));
  try {
    const answer = await session.run(rawTensors(preprocessor.inputs, table, rows));
    const scaling = preprocessor.targetScaling;
    const got = (scaling === undefined ? answer.logits : answer.prediction).data as Float32Array;
    refuseOther(got, checkOutputs, path, scaling);
    for (const [name, wanted] of Object.entries(checkFurther)) {
      refuseOther(answer[name].data as Float32Array, wanted, path);
    }
  } finally {
    session.release();
  }
  const { files } = await writeModelFile(model, path);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return { path, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** @throws BallastError EXPORT_PARITY */
function refuseOther(
  got: Float32Array,
  outputs: ArrayLike<number>,
  path: string,
  { mean, scale }: { readonly mean: number; readonly scale: number } = { mean: 0, scale: 1 },
): void {
  for (let i = 0; i < got.length; i++) {
    const wanted = outputs[i] * scale + mean;
    if (Math.abs(got[i] - wanted) <= TOLERANCE * scale * Math.max(1, Math.abs(outputs[i]))) continue;
    throw new BallastError(`the exported model answers ${got[i]} where the trained network answers ${wanted}`, {
      code: 'EXPORT_PARITY',
      kind: 'environment',
      place: path,
      remedy: 'Report this with the spec: it is a fault in Ballast',
    });
  }
}
