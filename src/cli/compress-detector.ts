import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { answersTo, batchesOf } from '../compression/examples.js';
import { bytesOfModel } from '../compression/measure/bench.js';
import { qualityOf } from '../compression/pipeline/figures.js';
import { BallastError } from '../errors.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { DETECTOR_METRIC, detectorSubject } from '../tuning/detector-subject.js';
import { evenly } from '../tuning/differentiable-part.js';
import type { CompressOptions } from './compress-options.js';
import type { StepSubject } from './compress-step.js';
import type { CompressTarget } from './compress-subject.js';
import { readDetectorFile } from './detector-options.js';
import { refuseGiven } from './given-options.js';

const SEED = 1;

/** A detector's file with its pictures, as the search and the steps that train take it. */
export async function detectorTarget(
  runtime: Runtime,
  path: string,
  options: CompressOptions & { data: string },
  command: Command,
): Promise<CompressTarget> {
  const { data, judge, method, criterion } = options;
  refuseGiven(command, ['student', 'teacherShare', 'teacherFeatures', 'classWeighted', 'classOffsets'], {
    reason:
      'is of classification and regression: what is left of a detector learns the original’s boxes and scores alone',
  });
  if (method === 'sparsify' || criterion === 'movement') {
    throw new BallastError(
      `${method === 'sparsify' ? method : criterion} goes by labels, and a detector learns from itself`,
      {
        code: 'USAGE',
        place: method === 'sparsify' ? '--method' : '--criterion',
        remedy: method === 'sparsify' ? 'Use prune' : 'Use taylor, magnitude or bn-scale',
      },
    );
  }
  const fit = await readDetectorFile(path, data, options, command);
  const second = judge === undefined ? undefined : await readDetectorFile(path, judge, options, command);
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const source = { path, bytes: await bytesOfModel(path), sha256 };
  const subject = await detectorSubject(runtime, fit, second, { source, seed: SEED });
  const folder = join(dirname(path), `${basename(path, '.onnx')}.compressed`);
  return { subject, folder, record: undefined, declared: undefined };
}

/** A detector's file with its pictures, as a conversion takes it. */
export async function detectorStep(
  runtime: Runtime,
  path: string,
  options: CompressOptions & { data: string },
  command: Command,
): Promise<StepSubject> {
  const { model, pictures } = await readDetectorFile(path, options.data, options, command);
  const all = Uint32Array.from(pictures.images, (_, row) => row);
  const rows = evenly(all, options.rows);
  const worth = async (each: Model) =>
    qualityOf({ primary: DETECTOR_METRIC, seed: SEED }, await answersTo(runtime, each, pictures, rows));
  return {
    model,
    batches: batchesOf(pictures, rows),
    rows: rows.length,
    judge: async (converted) => ({
      primary: DETECTOR_METRIC,
      before: await worth(model),
      after: await worth(converted),
    }),
  };
}
