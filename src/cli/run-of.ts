import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BallastError } from '../errors.js';
import type { Run, Store } from '../store/types.js';
import { MODEL } from '../tuning/result-record.js';
import { readForeign } from './evaluate-file.js';

/**
 * The run that is meant: by its id, or by a model file that it exported.
 *
 * @throws BallastError MODEL_WITHOUT_RUN, MODEL_CHANGED, RUN_NOT_FOUND
 */
export async function runOf(store: Store, reference: string): Promise<Run> {
  if (!reference.endsWith('.onnx')) return store.findRun(reference);
  const { metadata } = await readForeign(reference);
  const id = metadata.get('ballast.run');
  if (id === undefined) {
    throw new BallastError('this model is of no run of Ballast, so it has no holdout', {
      code: 'MODEL_WITHOUT_RUN',
      place: reference,
      remedy: 'Evaluate it on rows of your choice with --data SOURCE',
    });
  }
  const run = await store.findRun(id);
  const stored = await store.openArtifact(run.id, MODEL);
  const sha256 = createHash('sha256')
    .update(await readFile(reference))
    .digest('hex');
  if (sha256 === stored.sha256) return run;
  throw new BallastError(`this file is not the model that run ${run.id.slice(0, 8)} exported: its content differs`, {
    code: 'MODEL_CHANGED',
    kind: 'conflict',
    place: reference,
    remedy: `Evaluate the run (ballast evaluate ${run.id.slice(0, 8)} --holdout), or this file with --data SOURCE`,
  });
}
