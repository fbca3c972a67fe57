import { evaluate } from '../evaluation/evaluate.js';
import type { Figure } from '../evaluation/figure.js';
import { derive } from '../numeric/random.js';
import type { Evidence, Probe, TrainingEvidence } from './evidence.js';

/** Predictions of a calibrated binary model of given skill, evaluated. */
export function judged(accuracy: number, { rows = 1000, seed = 1, sharper = 1 } = {}) {
  const random = derive(seed, 'diagnosis');
  const target = new Int32Array(rows);
  const logits = new Float64Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const z = Math.log(accuracy / (1 - accuracy)) * (random.uniform() < 0.5 ? 1 : -1);
    target[row] = random.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
    logits[2 * row + 1] = sharper * z;
  }
  return evaluate({ task: 'classification', target, logits, level: 0.99, seed });
}

export const figure = (value: number, half: number): Figure => ({
  value,
  interval: [value - half, value + half],
  method: 'made up',
});

export const training: TrainingEvidence = {
  rows: 1000,
  parameters: 5000,
  train: judged(0.92, { seed: 2 }),
  gap: figure(0.02, 0.03),
  constant: 0.5,
  history: [],
  epochs: { allowed: 30, run: 30, best: 20 },
  outcome: 'finished',
  findings: [],
  learningRate: 1e-3,
  fineTuned: false,
  regularizers: [
    { index: 0, type: 'weight-decay', strength: 0.1, adjustable: true, range: [1e-5, 1] },
    { index: 1, type: 'early-stopping', strength: 0.1, adjustable: false, range: [0.02, 0.5] },
  ],
};

/** Evidence of a model with which nothing is wrong. */
export const healthy: Evidence = {
  task: 'classification',
  metric: 'accuracy',
  direction: 'higher',
  level: 0.99,
  validation: judged(0.9),
  limits: { ece: 0.05, gap: 0.03 },
  manifest: true,
  training,
  uncertainty: figure(0.8, 0.05),
  temperature: { value: 1.01, logLoss: figure(0.0001, 0.001) },
  data: [],
  seeds: [{ seed: 2, value: 0.9, difference: figure(0.001, 0.01) }],
  probes: [],
};

/** A probe that changed the primary metric, and the log loss against it, under both seeds. */
export function probe(kind: Probe['kind'], change: Figure, more: Partial<Probe> = {}): Probe {
  return {
    kind,
    label: `${kind} than before`,
    patch: [{ op: 'replace', path: '/regularizers/0/strength', value: 1 }],
    change,
    before: { primary: 0.9, logLoss: 0.3 },
    train: 0.95,
    again: { change },
    ...more,
  };
}
