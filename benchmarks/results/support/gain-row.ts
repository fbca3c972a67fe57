/** A line of a table of techniques: accuracy and log loss on the holdout, and what each gains. */
import type { Figure } from '../../../src/evaluation/index.js';
import { show, summary, type Trial, valuesOf } from '../arms.js';

const verdictOf = ({ interval: [low, high] }: Figure): string => (low > 0 ? ' helped' : high < 0 ? ' hurt' : '');

/** @param plain the arm that others are compared with, seed by seed */
export function gainRow(trials: readonly Trial[], name: string, plain: string): string {
  const cells = (['accuracy', 'logLoss'] as const).flatMap((metric) => {
    // A gain is above 0 where it is better.
    const sign = metric === 'accuracy' ? 1 : -1;
    const of = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => sign * holdout[metric]);
    const { mean, gain } = summary(of(name), of(plain));
    const gained = name === plain || gain === undefined ? '' : `${show(gain)}${verdictOf(gain)}`;
    return [(sign * mean.value).toFixed(4), gained];
  });
  return `| ${[name, ...cells].join(' | ')} |`;
}
