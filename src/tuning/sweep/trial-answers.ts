import type { PredictionInput } from '../../evaluation/input.js';
import type { PreparedData } from '../../spec/prepare.js';
import type { Store } from '../../store/types.js';
import { predictionsOf } from '../judge.js';
import { planRuns } from '../plan.js';
import type { OpenSweep } from './definition.js';
import { unitOutputs } from './trial-unit.js';

/**
 * What trials of a sweep answered to their validation rows, one input for each unit, by the run of the trial. The rows are
 * encoded once.
 *
 * A reason in its place where trials are not judged on the same rows.
 */
export function trialAnswers(
  store: Store,
  { space, resolved: { spec } }: OpenSweep,
  data: PreparedData,
): ((runId: string) => Promise<readonly PredictionInput[]>) | { readonly reason: string } {
  const moving = space.parameters.find(({ name }) => /^data\.|^training\.(seed|repeats|crossValidation)/.test(name));
  if (moving !== undefined) return { reason: `${moving.name} varies, so that trials are not judged on the same rows` };
  const plans = planRuns(spec, data).filter(({ role }) => role === 'model');
  const examples = plans.map(({ validation }) => data.preprocessor.transform(data.table, validation));
  return async (runId) =>
    Promise.all(
      plans.map(async ({ validation }, unit) => {
        const bytes = await (await store.openArtifact(runId, unitOutputs(unit))).bytes();
        const outputs = new Float32Array(bytes.byteLength / 4);
        Buffer.from(outputs.buffer).set(bytes);
        const positions = Int32Array.from(validation, (_, i) => i);
        return predictionsOf(spec, data, examples[unit], positions, outputs);
      }),
    );
}
