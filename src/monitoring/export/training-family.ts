import type { TrainingOutcome } from '../../store/index.js';
import type { ModelSlo } from '../slo/model-slos.js';
import { addCounts, type CountsByHour, type GrowingCounts, hourOf } from './growing-counts.js';
import type { MetricFamily } from './openmetrics.js';

/** Trainings by experiment, finished and failed. */
export function trainingsByHour(outcomes: readonly TrainingOutcome[]): CountsByHour {
  const hours: CountsByHour = new Map();
  for (const { experiment, at, finished, failed } of outcomes) {
    addCounts(hours, String(hourOf(at)), experiment, [finished, failed]);
  }
  return hours;
}

/** Events of a model's objectives that are about trainings. */
export function countTrainingEvents(
  hours: CountsByHour,
  outcomes: readonly TrainingOutcome[],
  model: string,
  slos: readonly ModelSlo[],
): void {
  for (const { slo } of slos) {
    if (slo.sli.type !== 'training') continue;
    for (const { experiment, at, finished, failed } of outcomes) {
      if (experiment !== slo.sli.experiment) continue;
      const key = JSON.stringify({ model, slo: slo.name, version: '' });
      addCounts(hours, `${model} ${hourOf(at)}`, key, [finished, failed]);
    }
  }
}

export function trainingFamily(counts: GrowingCounts): MetricFamily {
  return {
    name: 'ballast_trainings',
    type: 'counter',
    help: 'Trainings that ended, by what became of them; trials of sweeps do not count',
    samples: [...counts.totals()].flatMap(([experiment, [finished, failed]]) => [
      { suffix: '_total', labels: { experiment, outcome: 'finished' }, value: finished },
      { suffix: '_total', labels: { experiment, outcome: 'failed' }, value: failed },
    ]),
  };
}
