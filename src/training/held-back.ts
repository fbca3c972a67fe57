import { derive } from '../numeric/random.js';
import type { TrainingProblem } from './problem.js';

/**
 * Holds back a share of the training rows, of each class as many as of the others in proportion: what is decided on
 * them (strengths, step by step) leaves the validation part clean.
 */
export function holdBack(problem: TrainingProblem, share: number): TrainingProblem {
  const { data, task, seed } = problem;
  const groups = new Map<number, number[]>();
  for (const row of data.train) {
    const group = task === 'classification' ? Number(data.target.data[row]) : 0;
    const rows = groups.get(group);
    if (rows === undefined) groups.set(group, [row]);
    else rows.push(row);
  }
  const held = new Set<number>();
  for (const [group, rows] of [...groups].sort(([a], [b]) => a - b)) {
    const count = Math.min(rows.length - 1, Math.round(share * rows.length));
    for (const i of derive(seed, 'held-back', group).sample(rows.length, Math.max(0, count))) held.add(rows[i]);
  }
  return {
    ...problem,
    data: {
      ...data,
      train: data.train.filter((row) => !held.has(row)),
      held: data.train.filter((row) => held.has(row)),
    },
  };
}
