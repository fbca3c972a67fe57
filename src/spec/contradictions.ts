import { BallastError } from '../errors.js';
import { findMetric, METRICS } from '../evaluation/metrics/index.js';
import type { Path } from './issue.js';
import type { Spec } from './schema.js';

/**
 * Refuses settings that do not go with the task: each would else be found only once a run is under way, or be ignored.
 *
 * @throws BallastError SPEC_CONTRADICTION, METRIC_*
 */
export function refuseContradictions(spec: Spec, placeOf: (at: Path) => string): void {
  const { task, model, training, objectives } = spec;
  refuseMetric(spec, placeOf);
  const refuse = (at: Path, message: string, remedy: string): never => {
    throw new BallastError(message, { code: 'SPEC_CONTRADICTION', place: placeOf(at), remedy });
  };
  if (task === 'classification') return;
  if (model.type === 'logistic') {
    refuse(['model', 'type'], 'a logistic model tells classes apart, and the task is regression', 'Use linear');
  }
  if (training.sampler === 'balanced') {
    refuse(['training', 'sampler'], 'a balanced sampler needs classes, and the task is regression', 'Use shuffle');
  }
  if (training.classWeights !== 'none') {
    refuse(['training', 'classWeights'], 'class weights need classes, and the task is regression', 'Remove them');
  }
  if (objectives.constraints.ece !== undefined) {
    refuse(
      ['objectives', 'constraints', 'ece'],
      'the calibration error is one of probabilities, and the task is regression',
      'Remove it',
    );
  }
}

function refuseMetric({ task, objectives }: Spec, placeOf: (at: Path) => string): void {
  const name = objectives.primary;
  if (name === undefined) return;
  const place = placeOf(['objectives', 'primary']);
  const names = METRICS.filter((metric) => metric.task === task).map((metric) => metric.name);
  const remedy = `Metrics of a ${task} are ${names.join(', ')}`;
  let metric: ReturnType<typeof findMetric>['metric'];
  try {
    ({ metric } = findMetric(name));
  } catch (cause) {
    if (!(cause instanceof BallastError)) throw cause;
    const { code, message } = cause;
    const sentence = `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
    throw new BallastError(sentence, { code, place, value: name, remedy, cause });
  }
  if (metric.task !== task) {
    throw new BallastError(`${metric.title} is a metric of ${metric.task}, and the task is ${task}`, {
      code: 'METRIC_TASK',
      place,
      value: name,
      remedy,
    });
  }
}
