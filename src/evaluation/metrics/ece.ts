import { equalMass, expectedError, maximumError, ofClass, topLabel } from '../calibration.js';
import type { ClassificationMetric, Measured } from '../metric.js';
import type { ClassificationSample } from '../sample.js';

const SHARED = {
  task: 'classification',
  direction: 'lower',
  range: [0, 1],
  perRow: false,
  standard: true,
  interval: 'test inversion with bootstrapped bin errors',
} as const;

const measured = (measure: (sample: ClassificationSample) => Measured): ClassificationMetric['measure'] => {
  return (sample) => (sample.probabilities === undefined ? { reason: 'it needs probabilities' } : measure(sample));
};

export const ece: ClassificationMetric = {
  ...SHARED,
  name: 'ece',
  title: 'ECE',
  description:
    'Expected calibration error: mean distance between confidence and accuracy over bins of equal width of the largest probability (Guo et al. 2017), 15 unless set.',
  measure: measured((sample) => expectedError([topLabel(sample)], sample.weights)),
};

export const eceAdaptive: ClassificationMetric = {
  ...SHARED,
  name: 'eceAdaptive',
  title: 'ECE, equal-mass bins',
  description:
    'Expected calibration error of the largest probability over bins of equally many rows (Nguyen & O’Connor 2015).',
  measure: measured((sample) => expectedError([equalMass(topLabel(sample), sample.weights)], sample.weights)),
};

export const eceClasswise: ClassificationMetric = {
  ...SHARED,
  name: 'eceClasswise',
  title: 'ECE, class by class',
  description:
    'Expected calibration error of every class’s probability over bins of equal width, averaged over classes (Kull et al. 2019).',
  measure: measured((sample) =>
    expectedError(
      sample.classes.map((_, k) => ofClass(sample, k)),
      sample.weights,
    ),
  ),
};

export const mce: ClassificationMetric = {
  ...SHARED,
  name: 'mce',
  title: 'Maximum calibration error',
  description:
    'Largest distance between confidence and accuracy of a bin of the largest probability; small bins make it noisy.',
  measure: measured((sample) => maximumError(topLabel(sample), sample.weights)),
};
