import type { OpenSweep } from '../tuning/sweep/definition.js';
import type { SweepResult } from '../tuning/sweep/result.js';
import { timeText } from './time-text.js';

const ENDS: Readonly<Record<SweepResult['end'], string>> = {
  trials: 'all trials are done',
  exhausted: 'there is nothing left to try',
  noise: 'what is left to gain is less than can be told',
  budget: 'the budget is spent',
  interrupted: 'interrupted',
  stopped: 'stopped',
  'at-work': 'not done yet',
};

/** What a sweep came to, for a terminal. */
export function sweepLines(result: SweepResult, { definition }: Pick<OpenSweep, 'definition'>): string[] {
  const { trials, best, front, importance, seconds, sweepId, end, stop } = result;
  const lines = [
    `sweep ${sweepId.slice(0, 8)}: ${ENDS[end]}; ${trials.complete} complete, ${trials.pruned} pruned, ${trials.failed} failed in ${timeText(seconds)}`,
  ];
  if (stop !== undefined) lines.push(stopText(stop));
  if (end === 'noise') lines.push(`Go on all the same: ballast sweeps resume ${sweepId.slice(0, 8)} --stop-when never`);
  if (best === undefined) return [...lines, 'No trial is complete.'];
  const range = ([low, high]: readonly [number, number]): string => `[${figure(low)}, ${figure(high)}]`;
  lines.push(
    '',
    `best: trial ${best.trial}, ${best.objective} ${figure(best.metric)}${best.interval === undefined ? '' : ` ${range(best.interval)}`} on the rows it was chosen on`,
    best.correctedMetric === undefined
      ? `      not corrected for the luck of the best: ${best.uncorrected}`
      : `      ${figure(best.correctedMetric.value)} ${range(best.correctedMetric.interval)} corrected for the luck of the best of ${trials.complete}`,
  );
  if (best.insteadOf !== undefined) {
    const { trial, metric, because } = best.insteadOf;
    lines.push(`      simpler than trial ${trial} (${figure(metric)}), from which it cannot be told: ${because}`);
  } else if (best.tied > 0)
    lines.push(`      ${best.tied} other ${best.tied === 1 ? 'trial' : 'trials'} cannot be told from it on these rows`);
  lines.push('');
  const shares = Object.values(importance).some((share) => share > 0);
  const width = Math.max(...Object.keys(best.values).map((name) => name.length));
  for (const [name, value] of Object.entries(best.values)) {
    const share = shares ? `  importance ${(100 * (importance[name] ?? 0)).toFixed(0)} %` : '';
    lines.push(`${name.padEnd(width)}  ${valueText(value).padEnd(10)}${share}`.trimEnd());
  }
  if (!shares && Object.keys(importance).length > 0) {
    lines.push('Nothing that varied is seen to matter: the trials cannot be told from each other.');
  }
  if (front !== undefined) {
    const names = definition.objectives.map(({ name }) => name);
    lines.push('', `front: ${front.length} trials (${names.join(', ')})`);
    for (const { trial, objectives } of front) {
      lines.push(`  trial ${trial}  ${names.map((name) => `${name} ${figure(objectives[name])}`).join('  ')}`);
    }
  }
  return lines;
}

/** A look at whether to go on, in a line. */
export function stopText(look: NonNullable<SweepResult['stop']>): string {
  if ('reason' in look) return `no telling what is left to gain: ${look.reason}`;
  const { complete, left, noise, noiseFrom, trial } = look;
  return `left to gain at most ${short(left)}, standard error of the best (trial ${trial}) ${short(noise)} by its ${noiseFrom}, after ${complete} complete trials`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function valueText(value: unknown): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : JSON.stringify(value);
}
