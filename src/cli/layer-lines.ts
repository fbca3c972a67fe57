import { type AnswerComparison, compareAnswers } from '../compression/compare/answers.js';
import { compareLayers, type LayerComparison } from '../compression/compare/layers.js';
import { BallastError } from '../errors.js';
import type { PredictionInput } from '../evaluation/input.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { evenly } from '../tuning/differentiable-part.js';
import { feedBatches } from '../tuning/feed-batches.js';
import { readSubject } from './evaluate-file.js';
import type { FileOptions } from './file-options.js';

/** Rows that layers are compared on. */
const ROWS = 256;
const BATCH = 32;

export interface Degradation extends LayerComparison, AnswerComparison {}

/** Why the second of two model files answers differently: layer by layer, class by class, and the rows that changed most. */
export async function degradation(
  [first, second]: readonly [string, string],
  options: FileOptions & { data: string },
  [a, b]: readonly [PredictionInput, PredictionInput],
): Promise<Degradation> {
  if (!first.endsWith('.onnx') || !second.endsWith('.onnx')) {
    throw new BallastError('layers are compared between model files', {
      code: 'COMPARE_LAYERS',
      place: '--layers',
      remedy: 'Give two .onnx files; ballast runs show ID says where a run keeps its model',
    });
  }
  const [one, other] = [await readSubject(first, options), await readSubject(second, options)];
  const rows = evenly(
    Uint32Array.from({ length: one.table.rows }, (_, row) => row),
    ROWS,
  );
  const batches = feedBatches(one.ports, one.table, rows, BATCH);
  const layers = await compareLayers(await openRuntime(), [one.model, other.model], batches);
  return { ...layers, ...compareAnswers(a, b) };
}

/** Layers that lose most, classes that lost, rows that changed. */
export function layerLines({ layers, worst, perClass, changed, reshaped }: Degradation): string[] {
  const lossy = layers
    .filter(({ lostDb, sqnrDb }) => lostDb !== null && lostDb > 1 && sqnrDb !== null)
    .toSorted((x, y) => (y.lostDb ?? 0) - (x.lostDb ?? 0))
    .slice(0, 8);
  const lost = perClass.filter(({ delta }) => delta < 0).slice(0, 5);
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  return [
    '',
    `${layers.length} layers compared${reshaped.length === 0 ? '' : `, ${reshaped.length} of another shape`}; signal to noise falls most at:`,
    ...lossy.map(
      ({ node, opType, sqnrDb, lostDb, cosine }) =>
        `  ${node} (${opType})  ${sqnrDb?.toFixed(1)} dB, ${lostDb?.toFixed(1)} dB lost here, cosine ${cosine.toFixed(5)}`,
    ),
    ...(worst === null ? ['  nowhere: the values are equal'] : []),
    ...(lost.length === 0 ? [] : ['classes that lost:']),
    ...lost.map(
      ({ class: name, rows, recall: [before, after] }) =>
        `  ${name}  recall ${percent(before)} -> ${percent(after)} of ${rows} rows`,
    ),
    'rows that changed most:',
    ...changed
      .slice(0, 5)
      .map(
        ({ row, target, answers: [before, after], change }) =>
          `  row ${row + 1} (${target})  ${before} -> ${after}, change ${change.toFixed(3)}`,
      ),
  ];
}
