import type { Examples } from '../data/preprocess/preprocessor.js';
import { sampleValues } from '../evaluation/cheap.js';
import { fairnessValues } from '../evaluation/fairness.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { prepareSample } from '../evaluation/sample.js';
import type { PreparedData } from '../spec/prepare.js';
import type { Spec } from '../spec/schema.js';
import type { MetricsFunction } from '../training/problem.js';
import { groupColumn, predictionsOf, primaryMetric } from './judge.js';

/**
 * The metrics of each epoch: the cheap ones and the primary, and fairness signals where a sensitive column is declared
 * (as `<metric>.<column>`).
 *
 * @param rows of the table that the examples are, in order
 */
export function metricsOf(spec: Spec, data: PreparedData, examples: Examples, rows: Uint32Array): MetricsFunction {
  const primary = primaryMetric(spec);
  const compute = (positions: Int32Array, outputs: Float32Array): Record<string, number> => {
    const sample = prepareSample(predictionsOf(spec, data, examples, positions, outputs));
    const { loss: _loss, ...values } = sampleValues(sample, [primary]);
    if (sample.task === 'classification') {
      const own = Uint32Array.from(positions, (position) => rows[position]);
      for (const name of data.roles.sensitive) {
        for (const [metric, value] of Object.entries(fairnessValues(sample, groupColumn(data.table, name, own)))) {
          values[`${metric}.${name}`] = value;
        }
      }
    }
    return values;
  };
  return Object.assign(compute, {
    primary,
    loss: spec.task === 'classification' ? 'logLoss' : 'rmse',
    higherIsBetter: (name: string) => {
      const [metric] = name.split('.');
      if (metric === 'demographicParityRatio') return true;
      if (metric.startsWith('demographicParity') || metric.startsWith('equalizedOdds')) return false;
      return findMetric(name).metric.direction === 'higher';
    },
  });
}
