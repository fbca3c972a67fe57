import { listedCoefficients, listedIntercepts } from './path-coefficients.js';
import { chosenText } from './path-report.js';
import type { PathReportInput } from './path-report-input.js';

/** Coefficients that the terminal lists. */
const LISTED = 20;

/** What `ballast path` says in the terminal. */
export function pathLines(input: PathReportInput, report: string): string {
  const { path, cv, named, result } = input;
  const entries = listedCoefficients(named);
  const intercepts = path.family === 'cox' ? [] : listedIntercepts(named);
  const width = Math.max(11, ...[...intercepts, ...entries.slice(0, LISTED)].map(([name]) => name.length));
  const line = (name: string, value: number): string =>
    `  ${name.padEnd(width)}  ${String(Number(value.toPrecision(5))).padStart(12)}`;
  const worst = Math.max(...path.points.map(({ dualityGap }) => dualityGap));
  return [
    chosenText(input),
    `lambda.min ${cv.lambdaMin.toPrecision(4)}, lambda.1se ${cv.lambda1se.toPrecision(4)}; ${path.points.length} models, largest duality gap ${worst.toExponential(1)}`,
    '',
    ...intercepts.map(([name, value]) => line(name, value)),
    ...entries.slice(0, LISTED).map(([name, value]) => line(name, value)),
    ...(entries.length > LISTED ? [`  and ${entries.length - LISTED} more in the report`] : []),
    '',
    ...intervalLines(input),
    ...nestedLines(input),
    ...Object.entries(result.validation.metrics).flatMap(([name, { value, interval }]) =>
      name === input.primary
        ? [`validation ${name} ${value.toFixed(4)} (${interval[0].toFixed(4)} to ${interval[1].toFixed(4)})`]
        : [],
    ),
    ...Object.entries(result.targets ?? {}).flatMap(([target, { validation }]) =>
      Object.entries(validation.metrics).flatMap(([name, { value, interval }]) =>
        name === input.primary
          ? [`         of ${target} ${value.toFixed(4)} (${interval[0].toFixed(4)} to ${interval[1].toFixed(4)})`]
          : [],
      ),
    ),
    `report   ${report}`,
    `model    ${result.modelPath}  run ${input.runId.slice(0, 8)}`,
    `Next: ballast evaluate ${input.runId.slice(0, 8)} --holdout   (reads the locked rows; counted)`,
  ].join('\n');
}

/** Coefficients that are least likely 0, with their intervals. */
function intervalLines({ intervals }: PathReportInput): string[] {
  if (intervals === undefined) return [];
  const { level, coefficients } = intervals;
  const shown = [...coefficients].sort((a, b) => a.pValue - b.pValue).slice(0, LISTED);
  const width = Math.max(11, ...shown.map(({ name }) => name.length));
  const cell = (value: number): string => String(Number(value.toPrecision(5))).padStart(12);
  return [
    `  ${'de-biased'.padEnd(width)}  ${'coefficient'.padStart(12)}  ${`${100 * level}% interval`.padStart(27)}  ${'p'.padStart(7)}`,
    ...shown.map(
      ({ name, value, interval: [low, high], pValue }) =>
        `  ${name.padEnd(width)}  ${cell(value)}  ${cell(low)} to${cell(high)}  ${pValue < 1e-4 ? '<0.0001' : pValue.toFixed(4).padStart(7)}`,
    ),
    ...(coefficients.length > LISTED ? [`  and ${coefficients.length - LISTED} more in the report`] : []),
    '',
  ];
}

function nestedLines({ nested, primary }: PathReportInput): string[] {
  if (nested === undefined) return [];
  const { folds, deviance, metrics } = nested;
  const figure = metrics[primary];
  const score =
    figure === undefined
      ? ''
      : `; ${primary} ${figure.value.toFixed(4)} (${figure.interval[0].toFixed(4)} to ${figure.interval[1].toFixed(4)})`;
  return [
    `nested   deviance ${deviance.mean.toPrecision(4)} +- ${deviance.se.toPrecision(2)} over ${folds} outer folds${score}`,
  ];
}
