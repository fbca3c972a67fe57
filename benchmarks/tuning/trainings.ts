/** Real trainings as functions of their strengths: what samplers are compared on beside {@link FUNCTIONS}. */
import { sampleValues } from '../../src/evaluation/cheap.js';
import { prepareSample } from '../../src/evaluation/sample.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import type { Parameter } from '../../src/search/space.js';
import { resolveSpec } from '../../src/spec/index.js';
import { prepareData } from '../../src/spec/prepare.js';
import { predictionsOf } from '../../src/tuning/judge.js';
import { sharedSessions } from '../../src/tuning/sweep/shared-sessions.js';
import { problemOf, trainRun } from '../../src/tuning/train-run.js';
import { FORGETFUL } from '../results/arms.js';
import { digitsData } from '../results/support/digits-table.js';
import { germanCredit } from '../results/support/german-credit.js';
import type { TestFunction } from './functions.js';

const SEED = 1;

const strength = (name: string, low: number, high: number, log: boolean): Parameter => ({
  name,
  dimension: { kind: 'float', low, high, log },
});

const STRENGTHS: readonly Parameter[] = [
  strength('learningRate', 1e-4, 3e-2, true),
  strength('weightDecay', 1e-4, 1, true),
  strength('dropout', 0.01, 0.6, false),
  strength('labelSmoothing', 0.001, 0.3, true),
];

/**
 * Networks on a table and on digits, each with the same rows and weights at the start in every trial, so that nothing but the point
 * decides: the log loss of the validation rows. The least there is is not known; it counts from 0.
 */
export async function trainings(datasets: string): Promise<TestFunction[]> {
  const runtime = sharedSessions(await openRuntime());
  const tabular = germanCredit(datasets);
  const digits = {
    name: 'digits',
    task: 'classification',
    data: digitsData(datasets, { strategy: 'stratified', validation: 0.25, holdout: 0.4, seed: SEED }),
  };
  const training = async (base: Readonly<Record<string, unknown>> & { name: string }): Promise<TestFunction> => {
    const specOf = (point: Readonly<Record<string, number>>) =>
      resolveSpec({
        ...base,
        model: { type: 'mlp', hidden: [32] },
        training: {
          epochs: 10,
          batchSize: 32,
          seed: SEED,
          optimizer: { type: 'adamw', learningRate: point.learningRate },
        },
        regularizers: [
          { type: 'weight-decay', strength: point.weightDecay },
          { type: 'dropout', strength: point.dropout },
          { type: 'label-smoothing', strength: point.labelSmoothing },
        ],
      });
    const first = { learningRate: 1e-3, weightDecay: 0.01, dropout: 0.2, labelSmoothing: 0.05 };
    const data = await prepareData(specOf(first), { register: FORGETFUL });
    const { train, validation } = data.split;
    return {
      name: base.name,
      parameters: STRENGTHS,
      least: 0,
      async value(point) {
        const resolved = specOf(point);
        const plan = { role: 'model', seed: SEED, fold: undefined, train, validation } as const;
        const { problem, examples } = await problemOf(resolved, data, plan);
        const onEvent = () => Promise.resolve();
        const { outputs } = await trainRun(problem, { runtime, onEvent, signal: undefined, resume: undefined });
        const predictions = predictionsOf(resolved.spec, data, examples, problem.data.validation, outputs.validation);
        return sampleValues(prepareSample(predictions), []).logLoss;
      },
    };
  };
  return [await training(tabular), await training(digits)];
}
