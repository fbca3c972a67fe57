// `npm start`: the main job on real data. Makes a fresh clone runnable, trains the baseline and the regularized model of
// recipes/digits.yaml, reads the locked holdout once for each, and says by how much the second generalizes better.
import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare, requireNode } from './prepare.mjs';

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

const RECIPE = 'recipes/digits.yaml';
const METRIC = 'accuracy';

requireNode();
const root = fileURLToPath(new URL('..', import.meta.url));
await prepare(root);
// Ctrl-C reaches the command that runs, which saves and ends; this process then ends as it did.
process.on('SIGINT', () => {});

const started = performance.now();
/** @type {Trained} */
const trained = await ballast('train', RECIPE);
const baseline = runOf('baseline');
const model = runOf('model');
process.stderr.write('\nReading the locked holdout, once for each ...\n');
/** @type {Evaluated} */
const evaluated = await ballast('evaluate', model.runId, '--holdout', '--against', baseline.runId);
console.log(ending());

/**
 * Runs a command of Ballast; its progress goes to the terminal.
 *
 * @param {...string} args
 * @returns {Promise<any>} its JSON answer
 */
async function ballast(...args) {
  process.stderr.write(`\n$ ballast ${args.join(' ')}\n`);
  const child = spawn(process.execPath, ['bin/ballast', ...args, '--json', '--store', '.ballast'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (/** @type {Buffer} */ piece) => {
    output += piece.toString();
  });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) process.exit(code ?? 3);
  return JSON.parse(output);
}

/** @param {string} role */
function runOf(role) {
  const run = trained.runs.find((candidate) => candidate.role === role);
  if (run === undefined) throw new Error(`${RECIPE} trained no ${role}`);
  return run;
}

/** What came of it, the report's place last. */
function ending() {
  const { comparison, rows, holdoutReads } = evaluated;
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
    row(baseline, evaluated.against.metrics),
    row(model, evaluated.metrics),
    '',
    `On the same ${rows.toLocaleString('en-US')} holdout rows: ${points(value)} points, 95% interval ${interval.map(points).join(' to ')} (paired, ${method}).`,
    verdict,
    '',
    `holdout  read ${holdoutReads} times so far; each read makes it a little less of a holdout`,
    `runs     baseline ${baseline.runId.slice(0, 8)}, model ${model.runId.slice(0, 8)}, data ${trained.dataset.version}`,
    `time     ${((performance.now() - started) / 1000).toFixed(0)} s`,
    `report   ${relative(process.cwd(), trained.report)}`,
  ].join('\n');
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** @param {number} difference of two shares, in percentage points with its sign */
function points(difference) {
  const text = (100 * difference).toFixed(1);
  return difference >= 0 ? `+${text}` : text;
}
