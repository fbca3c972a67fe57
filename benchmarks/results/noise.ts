/** Noise on inputs, activations, weights and gradients; rows mixed at the inputs, in boxes and in hidden layers. */
import type { Figure } from '../../src/evaluation/index.js';
import { show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import { deepCase, type NoiseCase, noiseCases } from './noise/cases.js';
import type { Results } from './page.js';
import { chosenArms } from './support/tuned.js';

const SEEDS = 5;

/** `helped`, `hurt` or nothing, by an interval of a gain. */
function verdict({ interval: [low, high] }: Figure): string {
  return low > 0 ? 'helped' : high < 0 ? 'hurt' : '';
}

interface Trained {
  readonly arms: readonly string[];
  readonly trials: readonly Trial[];
}

async function trainCase(
  { spec, techniques, change }: NoiseCase,
  seeds: number,
  tell: (line: string) => void,
): Promise<Trained> {
  const options = { tell, ...(change === undefined ? {} : { change }) };
  const arms = await chosenArms(spec, techniques, ({ validation }) => -validation.logLoss, options);
  return { arms: arms.map(({ name }) => name), trials: await trainArms(spec, arms, { ...options, seeds }) };
}

function rowsOf({ arms, trials }: Trained): string[] {
  const accuracy = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => holdout.accuracy);
  // Less is better: its negative is what is gained.
  const logLoss = (arm: string): number[] => valuesOf(trials, arm, ({ holdout }) => -holdout.logLoss);
  return arms.map((arm) => {
    const plain = arm === 'plain';
    const right = summary(accuracy(arm), plain ? undefined : accuracy('plain'));
    const loss = summary(logLoss(arm), plain ? undefined : logLoss('plain'));
    const gains = [loss.gain, right.gain].map((gain) =>
      gain === undefined ? '' : `${show(gain, 3)} ${verdict(gain)}`.trim(),
    );
    return `| ${arm} | ${(-loss.mean.value).toFixed(3)} | ${gains[0]} | ${show(right.mean, 3)} | ${gains[1]} |`;
  });
}

async function deepPart(datasets: string, seeds: number, tell: (line: string) => void): Promise<string> {
  const { arms, trials } = await trainCase(deepCase(datasets), seeds, tell);
  const lines = arms.map((arm) => {
    const of = (value: (trial: Trial) => number): number[] => valuesOf(trials, arm, value);
    const against = (value: (trial: Trial) => number): number[] | undefined =>
      arm === 'plain' ? undefined : valuesOf(trials, 'plain', value);
    const fitted = (trial: Trial): number => -trial.train.logLoss;
    const right = (trial: Trial): number => trial.holdout.accuracy;
    const loss = summary(of(fitted), against(fitted));
    const accuracy = summary(of(right), against(right));
    const gain = (figure: Figure | undefined): string =>
      figure === undefined ? '' : `${show(figure, 3)} ${verdict(figure)}`.trim();
    return `| ${arm} | ${(-loss.mean.value).toFixed(3)} | ${gain(loss.gain)} | ${show(accuracy.mean, 3)} | ${gain(accuracy.gain)} |`;
  });
  return `## Gradient noise where it was proposed: deep networks under plain gradient descent

Digits, 540 rows, 20 hidden layers of 50 units without normalization, SGD without momentum at 0.02, 25 epochs.

| regularizer | log loss in training | gain | accuracy on the holdout | gain |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : SEEDS;
    const parts: string[] = [];
    for (const each of noiseCases(datasets)) {
      const lines = rowsOf(await trainCase(each, seeds, tell));
      parts.push(`## ${each.title}

| regularizer | log loss | gain | accuracy | gain |
| --- | --- | --- | --- | --- |
${lines.join('\n')}
`);
    }
    parts.push(await deepPart(datasets, seeds, tell));
    return `# Noise and mixing

What noise on inputs, activations, weights and gradients, and mixing of rows, are worth on networks that can learn their few rows by
heart; dropout stands beside them. Figures are means over ${seeds} seeds **on the holdout**, with 95 % intervals (Student's t over seeds:
they cover the luck of initial weights, order and noise, and where rows are drawn that too). Gains are over plain training, paired by
seed; above 0 is better, also for the log loss. \`helped\` and \`hurt\` stand where the interval is off 0; with so many rows a few do so
by chance. Each strength is the one with the best log loss on validation rows under two seeds that are not reported, out of two or three;
no early stopping, weights of the last epoch.

${parts.join('\n')}`;
  },
};
