// The first half of the tour as figures: what regularization did to the model, judged on rows nobody learned from.

/**
 * @typedef {{ value: number, interval: [number, number] }} Figure
 * @typedef {Record<string, Figure>} Metrics
 * @typedef {{ role: string, runId: string, metrics: { train: Metrics, validation: Metrics }, gap: Figure }} Run
 * @typedef {{ dataset: { version: string }, runs: Run[], report: string }} Trained
 * @typedef {{
 *   rows: number, metrics: Metrics, holdoutReads: number, against: { metrics: Metrics },
 *   comparison: { metric: string, difference: Figure & { method: string } },
 * }} Evaluated
 */

const METRIC = 'accuracy';

/**
 * @param {Trained} trained
 * @param {string} role
 */
export function runOf(trained, role) {
  const run = trained.runs.find((candidate) => candidate.role === role);
  if (run === undefined) throw new Error(`there is no ${role}`);
  return run;
}

/**
 * Baseline and model side by side, and what the paired comparison on the holdout says.
 *
 * @param {Trained} trained
 * @param {Evaluated} evaluated
 */
export function comparisonLines(trained, { comparison, rows, holdoutReads, metrics, against }) {
  const { value, interval, method } = comparison.difference;
  const verdict =
    interval[0] > 0
      ? 'The regularized model generalizes better.'
      : interval[1] < 0
        ? 'The regularized model generalizes worse.'
        : 'No difference is shown: the interval holds zero.';
  const line = (/** @type {string[]} */ cells) =>
    `${cells[0].padEnd(10)}${cells
      .slice(1)
      .map((cell, i) => cell.padStart(i === 3 ? 26 : 12))
      .join('')}`;
  const row = (/** @type {Run} */ run, /** @type {Metrics} */ holdout) =>
    line([
      run.role,
      percent(run.metrics.train[METRIC].value),
      percent(run.metrics.validation[METRIC].value),
      points(run.gap.value).replace('+', ''),
      `${percent(holdout[METRIC].value)}  [${holdout[METRIC].interval.map(percent).join(', ')}]`,
      percent(holdout.ece.value),
    ]);
  return [
    '',
    line([METRIC, 'train', 'validation', 'gap', 'holdout  [95% interval]', 'ECE']),
    row(runOf(trained, 'baseline'), against.metrics),
    row(runOf(trained, 'model'), metrics),
    '',
    `On the same ${rows.toLocaleString('en-US')} holdout rows: ${points(value)} points, 95% interval ${interval.map(points).join(' to ')} (paired, ${method}).`,
    `${verdict} The holdout was read ${holdoutReads} times so far; each read makes it a little less of a holdout.`,
  ].join('\n');
}

/** @param {number} share */
export function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** @param {number} difference of two shares, in percentage points with its sign */
function points(difference) {
  const text = (100 * difference).toFixed(1);
  return difference >= 0 ? `+${text}` : text;
}
