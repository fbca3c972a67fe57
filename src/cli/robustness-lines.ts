import type { Robustness } from '../evaluation/attacks/robustness.js';
import type { Figure } from '../evaluation/figure.js';

/** What an attack found, as lines of text. */
export function robustnessLines({ attack, rows, accuracy, robustAccuracy, masking }: Robustness): string[] {
  const share = ({ value, interval }: Figure): string =>
    `${value.toFixed(4)}, 95% interval ${interval.map((bound) => bound.toFixed(4)).join(' to ')}`;
  const { method, norm, epsilon, steps, restarts } = attack;
  const failed = masking.checks.filter(({ passed }) => !passed);
  return [
    `Under ${method} (${norm}, epsilon ${epsilon} in the unit of the encoded inputs, ${steps} steps, ${restarts} restarts) on ${rows} rows:`,
    `  accuracy         ${share(accuracy)}`,
    `  robust accuracy  ${share(robustAccuracy)} (an upper bound: another attack may find more)`,
    ...(masking.suspected
      ? [
          'Gradients may be masked, so that robust accuracy means little (loss=margin and more restarts may help):',
          ...failed.map(({ message }) => `  ${message}`),
        ]
      : []),
  ];
}
